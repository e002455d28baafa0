//! The locks of this crate: those of std. The test `locking` puts those of a model checker here.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::sync::{PoisonError, TryLockError};
