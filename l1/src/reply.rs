//! The reply to a command, shared with the cache.

use std::fmt;
use std::ops::Deref;

use redis::{FromRedisValue, Value};

use crate::entry::Entry;
use crate::error::Error;

/// A reply, as the value type of the `redis` crate. Clones and the cache share it.
#[derive(Clone)]
pub struct Reply(Entry);

impl Reply {
    pub(crate) fn new(entry: Entry) -> Self {
        Self(entry)
    }

    /// The reply as any type that the `redis` crate can make of one. Made anew at each call.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when the reply is of another shape.
    pub fn parse<T: FromRedisValue>(&self) -> Result<T, Error> {
        let parsed = redis::from_redis_value_ref(self.value());
        parsed.map_err(|error| Error::Decode(error.to_string().into()))
    }
}

impl Reply {
    /// What commands reply is never kept as bytes alone.
    fn value(&self) -> &Value {
        self.0.value().unwrap_or(&Value::Nil)
    }
}

impl Deref for Reply {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}
