//! Work off the main thread: a few threads, and clients that wait for them.
//!
//! The threads run until the process ends: a module with jobs must not be unloaded, which servers
//! refuse for every module that has a data type.

use std::collections::{HashMap, VecDeque};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use keyspan_common::reply::Reply;
use redis_module::raw::{
    REDISMODULE_CTX_FLAGS_DENY_BLOCKING, REDISMODULE_CTX_FLAGS_LOADING, REDISMODULE_CTX_FLAGS_LUA,
    REDISMODULE_CTX_FLAGS_MULTI, REDISMODULE_CTX_FLAGS_REPLICATED,
};

use crate::guard::guard;
use crate::raw;
use crate::reply::ClientReply;
use crate::server::Server;

/// Most threads of one module, unless it says otherwise.
const THREADS_MAX: usize = 4;
/// Most threads of this module.
static THREADS: AtomicUsize = AtomicUsize::new(THREADS_MAX);

/// How many threads jobs may have from now on. With none, every job runs where it comes up.
/// Threads that there are stay, and wait.
pub fn set_threads(count: usize) {
    THREADS.store(count, Relaxed);
}

/// Runs `job`, for which nobody waits, on another thread. False if there is none to be had; `job`
/// is then dropped.
pub fn in_background(job: impl FnOnce() + Send + 'static) -> bool {
    let may = THREADS.load(Relaxed) != 0;
    if may {
        POOL.submit(Box::new(job));
    }
    may
}

/// Called when the client of a job is gone, so that nobody waits for it any more.
pub(crate) type Gone = Arc<dyn Fn() + Send + Sync>;

/// The clients that wait, by the address of their handle.
static WAITING: LazyLock<Mutex<HashMap<usize, Gone>>> = LazyLock::new(Mutex::default);

fn waiting() -> MutexGuard<'static, HashMap<usize, Gone>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
/// Called by the server, on the main thread, for a client that goes while it is blocked.
unsafe extern "C" fn disconnected(_: *mut raw::Ctx, client: *mut raw::BlockedClient) {
    let gone = waiting().get(&client.addr()).cloned();
    guard("a client that went", || gone.map(|gone| gone()));
}

/// Where a client cannot wait, or nobody is there to wait.
const INLINE: u32 = REDISMODULE_CTX_FLAGS_DENY_BLOCKING
    | REDISMODULE_CTX_FLAGS_LOADING
    | REDISMODULE_CTX_FLAGS_LUA
    | REDISMODULE_CTX_FLAGS_MULTI
    | REDISMODULE_CTX_FLAGS_REPLICATED;

/// A job with its client.
type Job = Box<dyn FnOnce() + Send>;
/// What writes a finished job's reply. None: the job panicked.
type Answer = Option<Finish>;
/// Writes the reply of an outcome it holds.
type Finish = Box<dyn FnOnce(&Server<'_>, &mut dyn Reply) + Send>;

/// The jobs that wait, and the threads that take them. A job per blocked client, so that the
/// server's own limit of clients bounds the queue.
struct Pool {
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool = Pool {
    state: Mutex::new(State { waiting: VecDeque::new(), threads: 0, idle: 0 }),
    arrived: Condvar::new(),
};

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job and starts a thread if none is idle. With no thread to be had it runs here.
    fn submit(&'static self, job: Job) {
        let mut state = self.lock();
        state.waiting.push_back(job);
        if state.waiting.len() > state.idle && state.threads < THREADS.load(Relaxed) {
            let started =
                thread::Builder::new().name("keyspan-job".to_owned()).spawn(|| self.work());
            state.threads += usize::from(started.is_ok());
        }
        let stranded = if state.threads == 0 { state.waiting.pop_front() } else { None };
        drop(state);
        match stranded {
            Some(job) => job(),
            None => self.arrived.notify_one(),
        }
    }

    /// A thread's life: it ends with the process.
    fn work(&self) {
        loop {
            let job = self.next();
            guard("a job", job);
        }
    }

    fn next(&self) -> Job {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return job;
            }
            state.idle += 1;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

/// A client that waits.
pub(crate) struct Blocking {
    client: *mut raw::BlockedClient,
}

// SAFETY: the server lets any thread unblock a client; nothing else is done with the pointer.
unsafe impl Send for Blocking {}

impl Blocking {
    /// Blocks the client of this call, `None` where it cannot be blocked.
    ///
    /// # Safety
    /// `ctx` is the context of the running command, which writes no reply after this.
    pub(crate) unsafe fn of(ctx: *mut raw::Ctx) -> Option<Self> {
        // SAFETY: the caller's promise; a callback runs, so that the table is filled.
        let api = unsafe { raw::api() };
        // SAFETY: the caller's promise.
        let flags = unsafe { (api.context_flags)(ctx) }.cast_unsigned();
        if flags & INLINE != 0 || THREADS.load(Relaxed) == 0 {
            return None;
        }
        // SAFETY: the caller's promise; no timeout, hence no callback for it.
        let client = unsafe { (api.block_client)(ctx, Some(answer), None, Some(forget), 0) };
        (!client.is_null()).then_some(Self { client })
    }

    /// Runs `job` on another thread; the client gets what `finish` writes.
    pub(crate) fn run<T: Send + 'static>(
        self,
        job: impl FnOnce() -> T + Send + 'static,
        finish: impl FnOnce(T, &mut dyn Reply) + Send + 'static,
    ) {
        self.run_with_server(None, job, move |outcome, _, reply| finish(outcome, reply));
    }

    /// As [`Self::run`], for a job that can be cancelled and an answer that needs the server.
    pub(crate) fn run_with_server<T: Send + 'static>(
        self,
        gone: Option<Gone>,
        job: impl FnOnce() -> T + Send + 'static,
        finish: impl FnOnce(T, &Server<'_>, &mut dyn Reply) + Send + 'static,
    ) {
        if let Some(gone) = gone {
            waiting().insert(self.client.addr(), gone);
            // SAFETY: a client blocked and not yet unblocked; on the main thread.
            unsafe { (raw::api().on_disconnect)(self.client, Some(disconnected)) };
        }
        POOL.submit(Box::new(move || {
            let outcome = guard("a job", job);
            self.unblock(outcome.map(|outcome| -> Finish {
                Box::new(move |server, reply| finish(outcome, server, reply))
            }));
        }));
    }

    fn unblock(self, answer: Answer) {
        waiting().remove(&self.client.addr());
        let answer = Box::into_raw(Box::new(answer));
        // SAFETY: a client blocked and not yet unblocked; `forget` frees the answer.
        unsafe { (raw::api().unblock_client)(self.client, answer.cast()) };
    }
}

/// # Safety
/// Called by the server, on the main thread, for a client whose job is done.
unsafe extern "C" fn answer(ctx: *mut raw::Ctx, _: *mut *mut raw::Word, _: c_int) -> c_int {
    // SAFETY: the context of this callback and the private data `unblock` gave.
    let (mut reply, server, answer) = unsafe {
        let data = (raw::api().blocked_private_data)(ctx).cast::<Answer>();
        (ClientReply::new(ctx), Server::new(ctx), data.as_mut().and_then(Option::take))
    };
    guard("a job's reply", || answer.map(|answer| answer(&server, &mut reply)));
    reply.end();
    raw::OK
}

/// # Safety
/// Called by the server, on the main thread, once for each unblocked client.
unsafe extern "C" fn forget(_: *mut raw::Ctx, answer: *mut c_void) {
    // SAFETY: what `unblock` gave.
    guard("a job's end", || drop(unsafe { Box::from_raw(answer.cast::<Answer>()) }));
}
