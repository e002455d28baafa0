//! Brings clients back that Valkey 8.1 leaves in another database.
//!
//! Valkey 8.1.1 tells modules of a change with the context of the client that made it, selects the
//! database of the key for that, and does not go back. So after `MOVE`, `COPY .. DB` and `DEBUG RELOAD`,
//! whose last event is of another database, the client's commands go on there, and the command itself
//! reaches replicas and the log as if it had been given there. (Observed; 8.0 and 9.1 do not do it. The
//! database is selected for each module anew, so that no module harms the next by going back.)
//!
//! Where a client was is known for `MOVE` from the event before. For the others it is asked when the
//! command comes, before it runs: of a client by its number; scripts start where their client is. What
//! is queued behind `MULTI` comes when it is queued, so where it will run is counted then. What is read
//! from a log does not come, and the reader is a client like any other: so that it comes back, a copy to
//! another database is preceded in the log by a question for a key that is nowhere, [`MARK`], which is
//! told as a miss there. (Not known are a `SELECT` between `MULTI` and a script that copies, a copy made
//! by another module, and a copy in a log that was written without these modules.)

use std::collections::{HashMap, VecDeque};
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use redis_module::raw::{
    REDISMODULE_CLIENTINFO_FLAG_MULTI as QUEUES, REDISMODULE_NOTIFY_KEY_MISS,
    RedisModuleClientInfo as ClientInfo,
};

use crate::guard::guard;
use crate::key::bytes_of;
use crate::raw::{self, Api};
use crate::server::Server;

/// What is known of the client whose command runs. The main thread alone reads and writes it.
#[derive(Debug)]
struct Place {
    /// Whose command came last of those that may go astray.
    client: AtomicU64,
    /// Where that client was.
    database: AtomicI32,
    /// Where a script that this client started is.
    script: AtomicI32,
    /// Where the source of a MOVE was.
    source: AtomicI32,
    /// Where a copy in a log comes from that is read next.
    log: AtomicI32,
}

/// No database.
const UNKNOWN: c_int = -1;

static PLACE: Place = Place {
    client: AtomicU64::new(0),
    database: AtomicI32::new(UNKNOWN),
    script: AtomicI32::new(UNKNOWN),
    source: AtomicI32::new(UNKNOWN),
    log: AtomicI32::new(UNKNOWN),
};

/// What a client has queued since `MULTI`.
#[derive(Debug, Default)]
struct Queue {
    /// Where the next command will run, if that is another database than the client's.
    selected: Option<c_int>,
    copies: VecDeque<Planned>,
}

/// A copy that is queued, and not made yet.
#[derive(Debug)]
struct Planned {
    /// The name of the copy.
    key: Box<[u8]>,
    from: c_int,
    to: c_int,
}

/// A client that goes in the middle of it leaves its queue, so all are forgotten at so many.
const QUEUES_MAX: usize = 1024;

static QUEUED: Mutex<Option<HashMap<u64, Queue>>> = Mutex::new(None);

fn queued() -> MutexGuard<'static, Option<HashMap<u64, Queue>>> {
    QUEUED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the server is one that does it.
static ASTRAY: AtomicBool = AtomicBool::new(false);

/// A key that is nowhere, and the command that asks for it.
const MARK: (&str, &[u8]) = ("EXISTS", b"__keyspan:a-copy-to-another-database-follows");

/// The functions that only such a server is asked for.
#[derive(Debug)]
struct Asked {
    word: unsafe extern "C" fn(*mut raw::FilterCtx, c_int) -> *mut raw::Word,
    client: unsafe extern "C" fn(*mut raw::FilterCtx) -> u64,
    info: unsafe extern "C" fn(*mut c_void, u64) -> c_int,
    own: unsafe extern "C" fn(*mut raw::Ctx) -> u64,
}

static ASKED: OnceLock<Asked> = OnceLock::new();

/// Whether this version does it. The one question after a version: a defect has no function that
/// could be looked for. On a server that does not do it, going back changes nothing.
const fn is_affected(version: c_int) -> bool {
    version >> 8 == 0x0801
}

/// Starts to look where clients are, if the server is one that needs it.
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn register(api: &Api, ctx: *mut raw::Ctx) {
    // SAFETY: a function without arguments.
    let affected = api.server_version.is_some_and(|version| is_affected(unsafe { version() }));
    let asked = || {
        let (word, client) = (api.filtered_word?, api.filtered_client?);
        Some(Asked { word, client, info: api.client_info?, own: api.client_id? })
    };
    let (Some(asked), Some(filter), true) = (asked(), api.register_filter, affected) else {
        return;
    };
    ASKED.get_or_init(|| asked);
    // SAFETY: the caller's promise; the function lives as long as the library.
    let (filter, misses) = unsafe {
        let misses = (api.subscribe_keys)(ctx, REDISMODULE_NOTIFY_KEY_MISS, Some(missed));
        (filter(ctx, Some(seen), 0), misses)
    };
    ASTRAY.store(!filter.is_null() && misses == raw::OK, Ordering::Relaxed);
}

/// A key was asked for that is not there.
///
/// # Safety
/// Called by the server; the texts live for the call.
unsafe extern "C" fn missed(
    ctx: *mut raw::Ctx,
    _kind: c_int,
    _event: *const c_char,
    key: *mut raw::Word,
) -> c_int {
    guard("a miss", || {
        // SAFETY: the context of the running callback, and a text of it.
        let (server, key) = unsafe { (Server::new(ctx), bytes_of(raw::api(), key)) };
        if key == MARK.1 {
            PLACE.log.store(server.database(), Ordering::Relaxed);
        }
    });
    raw::OK
}

/// Commands whose client may go astray, that run such commands, or that say where others run.
const NOTED: [&[u8]; 9] =
    [b"COPY", b"EXEC", b"EVAL", b"EVALSHA", b"FCALL", b"DEBUG", b"SELECT", b"MULTI", b"DISCARD"];

/// A command came, and runs next or is queued.
///
/// # Safety
/// Called by the server.
unsafe extern "C" fn seen(ctx: *mut raw::FilterCtx) {
    guard("a command's filter", || {
        let Some(asked) = ASKED.get() else { return };
        // SAFETY: the table was filled before the server was asked to call; the context is that of the
        // running callback; of a word that is not there the server gives a text of its own.
        let word = |index| unsafe { bytes_of(raw::api(), (asked.word)(ctx, index)) };
        let name = word(0);
        if NOTED.iter().any(|noted| name.eq_ignore_ascii_case(noted)) {
            // SAFETY: as above.
            let client = unsafe { (asked.client)(ctx) };
            note(asked, client, name, word);
        }
    });
}

/// Remembers where the client is; that of a script has no number that the server knows.
fn note<'a>(asked: &Asked, client: u64, name: &[u8], word: impl Fn(c_int) -> &'a [u8]) {
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    let number = |index| str::from_utf8(word(index)).ok()?.parse::<c_int>().ok();
    match info_of(asked, client) {
        None => {
            if let Some(number) = number(1).filter(|_| is(b"SELECT")) {
                PLACE.script.store(number, Ordering::Relaxed);
            }
        }
        Some(info) if info.flags & u64::from(QUEUES) != 0 && !is(b"EXEC") && !is(b"DISCARD") => {
            let mut queued = queued();
            let queue = queued.get_or_insert_default().entry(client).or_default();
            if is(b"SELECT") {
                queue.selected = number(1);
            } else if is(b"COPY") {
                let from = queue.selected.unwrap_or(c_int::from(info.db));
                let is_to = |index: &c_int| word(*index).eq_ignore_ascii_case(b"DB");
                let to = [3, 4].iter().find(|index| is_to(index)).and_then(|at| number(at + 1));
                let to = to.unwrap_or(from);
                queue.copies.push_back(Planned { key: word(2).into(), from, to });
            }
        }
        Some(info) => {
            if !is(b"EXEC") {
                forget(client);
            }
            PLACE.client.store(client, Ordering::Relaxed);
            PLACE.database.store(c_int::from(info.db), Ordering::Relaxed);
            PLACE.script.store(c_int::from(info.db), Ordering::Relaxed);
        }
    }
}

/// Forgets what the client has queued, and what others have left.
fn forget(client: u64) {
    if let Some(queues) = queued().as_mut() {
        queues.remove(&client);
        if queues.len() > QUEUES_MAX {
            queues.clear();
        }
    }
}

/// What the server tells of the client of this number.
fn info_of(asked: &Asked, client: u64) -> Option<ClientInfo> {
    // SAFETY: plain numbers and bytes.
    let mut info: ClientInfo = unsafe { std::mem::zeroed() };
    info.version = 1;
    // SAFETY: the server writes what this version has.
    let known = unsafe { (asked.info)((&raw mut info).cast(), client) } == raw::OK;
    known.then_some(info)
}

/// After an event was told: the client goes back.
pub(crate) fn bring_back(server: &Server<'_>, event: &[u8], key: &[u8]) {
    if !ASTRAY.load(Ordering::Relaxed) {
        return;
    }
    let database = match event {
        b"move_from" => return PLACE.source.store(server.database(), Ordering::Relaxed),
        b"move_to" => PLACE.source.load(Ordering::Relaxed),
        b"copy_to" | b"loaded" => before(server, key),
        _ => return,
    };
    if database == UNKNOWN || database == server.database() {
        return;
    }
    server.go(database);
    if event == b"copy_to" {
        server.log_as(MARK.0, &[MARK.1]);
    }
}

/// Where it was whose command runs: a client, a script, or the reader of a log behind a [`MARK`].
fn before(server: &Server<'_>, key: &[u8]) -> c_int {
    let noted = PLACE.client.load(Ordering::Relaxed);
    // SAFETY: the context of the running callback.
    let client = ASKED.get().map(|asked| unsafe { (asked.own)(server.ctx) });
    if server.is_script() {
        PLACE.script.load(Ordering::Relaxed)
    } else if client == Some(noted) {
        from_queue(noted, key, server.database())
            .unwrap_or_else(|| PLACE.database.load(Ordering::Relaxed))
    } else {
        PLACE.log.swap(UNKNOWN, Ordering::Relaxed)
    }
}

/// From where the copy that was made comes, if it was queued; those queued before it made none.
fn from_queue(client: u64, key: &[u8], to: c_int) -> Option<c_int> {
    let mut queued = queued();
    let copies = &mut queued.as_mut()?.get_mut(&client)?.copies;
    let index = copies.iter().position(|copy| *copy.key == *key && copy.to == to)?;
    copies.drain(..=index).next_back().map(|copy| copy.from)
}

#[cfg(test)]
mod tests {
    use super::is_affected;

    #[test]
    fn one_line_of_versions_is_affected() {
        assert!(is_affected(0x0008_0101) && is_affected(0x0008_01ff));
        assert!(
            !is_affected(0x0008_0002) && !is_affected(0x0009_0100) && !is_affected(0x0007_0000)
        );
    }
}
