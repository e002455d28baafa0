//! A [`DataType`] as the server's module type: every callback, each of them guarded.

use std::any::TypeId;
use std::ffi::{CString, c_int, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::Relaxed};

use keyspan_common::data_type::DataType;
use keyspan_common::rdb;
use redis_module::raw::{
    REDISMODULE_AUX_AFTER_RDB, REDISMODULE_AUX_BEFORE_RDB, REDISMODULE_TYPE_METHOD_VERSION,
};

use crate::guard::guard;
use crate::log::{self, Level};
use crate::raw::{self, Api};
use crate::rdb::{Reader, Writer};
use crate::{alloc, aof, defrag, snapshot};

/// Most data types of one module, each name counted.
const TYPES_MAX: usize = 8;

/// A type the server knows. A module that was refused may be loaded again without leaving memory
/// in between, and then gets other types of the server's.
#[derive(Debug)]
struct Registered {
    value: TypeId,
    /// Which of the value's type names this is.
    type_index: usize,
    kind: AtomicPtr<raw::Type>,
    version: AtomicU32,
    /// Values that the server holds; some are freed on another thread.
    held: AtomicU64,
}

/// The types of this module, in the order they were registered. A generic function has no static
/// of its own, so that a type finds its entry by [`TypeId`]: one comparison in most modules.
static REGISTERED: [OnceLock<Registered>; TYPES_MAX] = [const { OnceLock::new() }; TYPES_MAX];

/// What the module declares of one type.
#[derive(Clone, Copy, Debug)]
pub struct TypeEntry {
    name: &'static str,
    version: fn() -> u32,
    id: fn() -> TypeId,
    type_index: usize,
    methods: fn() -> raw::TypeMethods,
}

impl TypeEntry {
    /// The type of `V` whose name is at `TYPE` of [`rdb::Value::TYPE_NAMES`], saved in the encoding
    /// `version` answers when the module is loaded (the settings are known by then).
    pub const fn of<V: DataType, const TYPE: usize>(version: fn() -> u32) -> Self {
        Self {
            name: const { name::<V, TYPE>() },
            version,
            id: TypeId::of::<V>,
            type_index: TYPE,
            methods: methods::<V, TYPE>,
        }
    }

    /// Makes the type known to the server.
    ///
    /// # Errors
    /// What to log.
    ///
    /// # Safety
    /// `ctx` is that of `OnLoad`.
    pub(crate) unsafe fn register(&self, api: &Api, ctx: *mut raw::Ctx) -> Result<(), String> {
        let version = (self.version)();
        // SAFETY: the caller's promise.
        let kind = unsafe { create(api, ctx, self.name, version, &mut (self.methods)()) }?;
        let value = (self.id)();
        let is_own = |e: &Registered| e.value == value && e.type_index == self.type_index;
        let place = REGISTERED.iter().find(|place| place.get().is_none_or(is_own));
        let place = place.ok_or_else(|| format!("more than {TYPES_MAX} data types"))?;
        let entry = place.get_or_init(|| Registered {
            value,
            type_index: self.type_index,
            kind: AtomicPtr::new(null_mut()),
            version: AtomicU32::new(version),
            held: AtomicU64::new(0),
        });
        entry.kind.store(kind, Relaxed);
        entry.version.store(version, Relaxed);
        Ok(())
    }
}

/// Creates a type from its methods.
///
/// # Errors
/// What to log.
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn create(
    api: &Api,
    ctx: *mut raw::Ctx,
    name: &str,
    version: u32,
    methods: &mut raw::TypeMethods,
) -> Result<*mut raw::Type, String> {
    let refused = || format!("the server refuses the type '{name}' of encoding {version}");
    let c_name = CString::new(name).map_err(|_| refused())?;
    let encoding = c_int::try_from(version).map_err(|_| refused())?;
    // SAFETY: the caller's promise; the server copies the name and the methods.
    let kind = unsafe { (api.create_data_type)(ctx, c_name.as_ptr(), encoding, methods) };
    if kind.is_null() { Err(refused()) } else { Ok(kind) }
}

/// The name at a place of the list; a type that has none there does not compile.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn name<V: DataType, const TYPE: usize>() -> &'static str {
    V::TYPE_NAMES[TYPE]
}

fn entries<V: DataType>() -> impl Iterator<Item = &'static Registered> {
    let wanted = TypeId::of::<V>();
    REGISTERED.iter().map_while(OnceLock::get).filter(move |entry| entry.value == wanted)
}

/// The entry of the type that `value` is stored under.
fn entry_of<V: DataType>(value: &V) -> Option<&'static Registered> {
    let type_index = value.type_index();
    entries::<V>().find(|entry| entry.type_index == type_index)
}

/// How many values of `V` the server holds, in all databases and on their way to be freed.
pub fn held<V: DataType>() -> u64 {
    entries::<V>().map(|entry| entry.held.load(Relaxed)).sum()
}

/// Puts a value where the server can own it.
pub(crate) fn give<V: DataType>(value: V) -> *mut c_void {
    if let Some(entry) = entry_of(&value) {
        entry.held.fetch_add(1, Relaxed);
    }
    Box::into_raw(Box::new(value)).cast()
}

/// Takes back what [`give`] gave.
///
/// # Safety
/// `value` is from [`give`] for the same type, and nobody else has it.
pub(crate) unsafe fn take<V: DataType>(value: *mut c_void) -> Box<V> {
    // SAFETY: the caller's promise.
    let value: Box<V> = unsafe { Box::from_raw(value.cast()) };
    if let Some(entry) = entry_of(&*value) {
        entry.held.fetch_sub(1, Relaxed);
    }
    value
}

/// The server's type for `value`, null if the module does not declare it.
#[inline]
pub(crate) fn registered<V: DataType>(value: &V) -> *mut raw::Type {
    entry_of(value).map_or(null_mut(), |entry| entry.kind.load(Relaxed))
}

/// Whether a server's type, not null, is one of `V`'s.
#[inline]
pub(crate) fn is_type_of<V: DataType>(kind: *mut raw::Type) -> bool {
    entries::<V>().any(|entry| entry.kind.load(Relaxed) == kind)
}

/// Methods of a type that does nothing.
pub(crate) const NO_METHODS: raw::TypeMethods = raw::TypeMethods {
    version: REDISMODULE_TYPE_METHOD_VERSION as u64,
    rdb_load: None,
    rdb_save: None,
    aof_rewrite: None,
    mem_usage: None,
    digest: None,
    free: None,
    aux_load: None,
    aux_save: None,
    aux_save_triggers: 0,
    free_effort: None,
    unlink: None,
    copy: None,
    defrag: None,
    mem_usage2: None,
    free_effort2: None,
    unlink2: None,
    copy2: None,
    aux_save2: None,
};

fn methods<V: DataType, const TYPE: usize>() -> raw::TypeMethods {
    // A record belongs to the module, not to each of its names.
    let saves_aux = V::SAVES_AUX && TYPE == 0;
    raw::TypeMethods {
        rdb_load: Some(load::<V, TYPE>),
        rdb_save: Some(save::<V>),
        aof_rewrite: Some(rewrite::<V>),
        digest: Some(digest::<V>),
        free: Some(free::<V>),
        defrag: Some(defrag::defrag::<V>),
        mem_usage2: Some(memory::<V>),
        free_effort2: Some(effort::<V>),
        copy2: Some(copy::<V>),
        aux_load: Some(load_aux::<V>),
        aux_save: if saves_aux { Some(save_aux::<V>) } else { None },
        // Older servers know only the one above, and newer ones prefer this.
        aux_save2: if saves_aux { Some(save_aux::<V>) } else { None },
        aux_save_triggers: if saves_aux { BEFORE_KEYS | AFTER_KEYS } else { 0 },
        ..NO_METHODS
    }
}

/// # Safety
/// Called by the server with a stream to read from. So are all below, with a value of `V` that
/// [`load`], [`copy`] or `Context::insert` made.
unsafe extern "C" fn load<V: DataType, const TYPE: usize>(
    io: *mut raw::Io,
    version: c_int,
) -> *mut c_void {
    let value = guard("rdb_load", || {
        // SAFETY: the stream of this callback.
        let mut reader = unsafe { Reader::new(io) };
        let version = u32::try_from(version).ok()?;
        let outcome = V::load(&mut reader, rdb::Encoding { type_index: TYPE, version });
        if let Err(error) = &outcome {
            let name = const { name::<V, TYPE>() };
            log::line(Level::Warning, &format!("a value of {name} cannot be read: {error:?}"));
        }
        outcome.ok().filter(|_| !reader.failed())
    });
    value.flatten().map_or(null_mut(), give)
}

/// When a record of a type's own stands: before the keys, or behind them.
pub(crate) const BEFORE_KEYS: c_int = raw::code(REDISMODULE_AUX_BEFORE_RDB);
pub(crate) const AFTER_KEYS: c_int = raw::code(REDISMODULE_AUX_AFTER_RDB);

unsafe extern "C" fn load_aux<V: DataType>(io: *mut raw::Io, version: c_int, when: c_int) -> c_int {
    let loaded = guard("aux_load", || {
        // SAFETY: the stream of this callback.
        let mut reader = unsafe { Reader::new(io) };
        let version = u32::try_from(version).ok()?;
        V::load_aux(&mut reader, version, when == BEFORE_KEYS).ok().filter(|()| !reader.failed())
    });
    if loaded.flatten().is_some() {
        return raw::OK;
    }
    log::line(
        Level::Warning,
        &format!("a record of '{}' cannot be read", const { name::<V, 0>() }),
    );
    raw::ERR
}

unsafe extern "C" fn save_aux<V: DataType>(io: *mut raw::Io, when: c_int) {
    guard("aux_save", || {
        // SAFETY: the stream of this callback.
        let mut writer = unsafe { Writer::new(io) };
        V::save_aux(&mut writer, when == BEFORE_KEYS);
    });
}

unsafe extern "C" fn save<V: DataType>(io: *mut raw::Io, value: *mut c_void) {
    guard("rdb_save", || {
        // SAFETY: the value and the stream of this callback.
        let (value, mut writer) = unsafe { (&*value.cast::<V>(), Writer::new(io)) };
        let version = entry_of(value).map_or(0, |entry| entry.version.load(Relaxed));
        let is_whole = snapshot::is_written();
        value.save(&mut writer, if is_whole { V::snapshot_version(version) } else { version });
    });
}

unsafe extern "C" fn rewrite<V: DataType>(
    io: *mut raw::Io,
    key: *mut raw::Word,
    value: *mut c_void,
) {
    guard("aof_rewrite", || {
        // SAFETY: the value of this callback.
        let value = unsafe { &*value.cast::<V>() };
        value.rewrite(&mut |command, args| {
            // SAFETY: the stream and the key of this callback.
            unsafe { aof::emit(io, key, command, args) };
        });
    });
}

unsafe extern "C" fn digest<V: DataType>(digest: *mut raw::Digest, value: *mut c_void) {
    guard("digest", || {
        // SAFETY: the value of this callback, one the table was filled for.
        let (value, api) = unsafe { (&*value.cast::<V>(), raw::api()) };
        value.digest(&mut |text| {
            // SAFETY: the digest of this callback; the server reads the text at once.
            unsafe { (api.digest_add)(digest, text.as_ptr().cast(), text.len()) };
        });
        // SAFETY: as above.
        unsafe { (api.digest_end)(digest) };
    });
}

/// On any thread. A value whose drop panics is left where it is.
unsafe extern "C" fn free<V: DataType>(value: *mut c_void) {
    // SAFETY: the server owned the value and gives it back.
    guard("free", || drop(unsafe { take::<V>(value) }));
}

/// What the servers allocate around a value of a module (an object header and a pair of pointers)
/// and leave out of MEMORY USAGE (observed in Redis 7.0 to 8.6 and Valkey 8.0 to 9.1).
const HEADERS: usize = 32;

unsafe extern "C" fn memory<V: DataType>(
    _ctx: *mut raw::KeyOptCtx,
    value: *const c_void,
    _sample: usize,
) -> usize {
    let bytes = guard("mem_usage", || {
        // SAFETY: the value of this callback, one the table was filled for.
        let (stored, api) = unsafe { (&*value.cast::<V>(), raw::api()) };
        // SAFETY: the value is a block of the server's if its allocator is in use.
        let own = api.malloc_size.filter(|_| alloc::is_block_of_server::<V>());
        // SAFETY: as above.
        let own = own.map_or(size_of::<V>(), |size| unsafe { size(value.cast_mut()) });
        HEADERS + own + stored.memory()
    });
    bytes.unwrap_or(0)
}

unsafe extern "C" fn effort<V: DataType>(_ctx: *mut raw::KeyOptCtx, value: *const c_void) -> usize {
    // SAFETY: the value of this callback. 0 would mean "always on another thread".
    guard("free_effort", || unsafe { &*value.cast::<V>() }.effort().max(1)).unwrap_or(1)
}

unsafe extern "C" fn copy<V: DataType>(
    _ctx: *mut raw::KeyOptCtx,
    value: *const c_void,
) -> *mut c_void {
    // SAFETY: the value of this callback.
    guard("copy", || give(unsafe { &*value.cast::<V>() }.clone())).unwrap_or(null_mut())
}
