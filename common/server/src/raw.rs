//! The module API: types, constants, and the functions looked up at load.
//!
//! Types and constants are the bindings of `redis-module`; its function pointers are not used,
//! because calling through a `static mut Option` costs a check per call and a missing one is a
//! panic. [`Api`] holds plain pointers instead, each checked once, against the bindings when this
//! file is compiled (the signature) and against the server when the module is loaded (presence).

use std::ffi::{CStr, c_char, c_int, c_long, c_longlong, c_uint, c_ulong, c_ulonglong, c_void};
use std::sync::OnceLock;

use redis_module::raw as bindings;
pub(crate) use redis_module::raw::{
    RedisModuleBlockedClient as BlockedClient, RedisModuleCallReply as CallReply,
    RedisModuleCmdFunc as CommandFunction, RedisModuleCommand as Command,
    RedisModuleCommandArg as CommandArg, RedisModuleCommandFilterCtx as FilterCtx,
    RedisModuleCommandInfo as CommandInfo, RedisModuleCommandInfoVersion as CommandInfoVersion,
    RedisModuleCommandKeySpec as KeySpec, RedisModuleCtx as Ctx, RedisModuleDefragCtx as DefragCtx,
    RedisModuleDigest as Digest, RedisModuleEvent as Event, RedisModuleIO as Io,
    RedisModuleInfoCtx as InfoCtx, RedisModuleKey as Key, RedisModuleKeyOptCtx as KeyOptCtx,
    RedisModuleScanCursor as ScanCursor, RedisModuleServerInfoData as ServerInfo,
    RedisModuleString as Word, RedisModuleType as Type, RedisModuleTypeMethods as TypeMethods,
    RedisModuleUser as User,
};

/// What a function of the API answers when it worked.
pub(crate) const OK: c_int = code(bindings::REDISMODULE_OK);
/// What a function of the API answers when it did not.
pub(crate) const ERR: c_int = code(bindings::REDISMODULE_ERR);

/// A small constant of the bindings as the type the functions take and answer.
#[expect(clippy::cast_possible_truncation, reason = "fails to compile if it does")]
pub(crate) const fn code(value: isize) -> c_int {
    let code = value as c_int;
    assert!(code as isize == value);
    code
}

/// `GetApi`: writes the function of this name to the second argument.
pub(crate) type GetApi = unsafe extern "C" fn(*const c_char, *mut c_void) -> c_int;

/// The type of one function of the API.
macro_rules! function {
    ($($signature:tt)*) => { unsafe extern "C" fn $($signature)* };
}

/// Declares [`Api`] and how it is filled.
macro_rules! api {
    (
        required { $($field:ident: $name:ident $args:tt $(-> $ret:ty)?;)* }
        optional { $($may:ident: $may_name:ident $may_args:tt $(-> $may_ret:ty)?;)* }
    ) => {
        /// The functions of the module API this crate calls.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Api {
            $(pub(crate) $field: function!($args $(-> $ret)?),)*
            $(pub(crate) $may: Option<function!($may_args $(-> $may_ret)?)>,)*
        }

        impl Api {
            /// Looks every function up.
            ///
            /// # Errors
            /// The name of the first required function this server lacks.
            ///
            /// # Safety
            /// `get_api` is a server's own.
            unsafe fn look_up(get_api: GetApi) -> Result<Self, &'static str> {
                Ok(Self {
                    // SAFETY: the caller's promise; the types were compared with the bindings.
                    $($field: unsafe { find(get_api, c_name(concat!(stringify!($name), "\0"))) }
                        .ok_or(stringify!($name))?,)*
                    // SAFETY: as above.
                    $($may: unsafe { find(get_api, c_name(concat!(stringify!($may_name), "\0"))) },)*
                })
            }
        }

        /// Never called: compiles only if every signature above is that of the bindings.
        const _: fn() = || {
            $(let _: *const Option<function!($args $(-> $ret)?)> = &raw const bindings::$name;)*
            $(let _: *const Option<function!($may_args $(-> $may_ret)?)> =
                &raw const bindings::$may_name;)*
        };
    };
}

api! {
    required {
        free: RedisModule_Free(*mut c_void);
        log: RedisModule_Log(*mut Ctx, *const c_char, *const c_char, ...);
        set_module_attribs: RedisModule_SetModuleAttribs(*mut Ctx, *const c_char, c_int, c_int);
        is_module_name_busy: RedisModule_IsModuleNameBusy(*const c_char) -> c_int;
        set_module_options: RedisModule_SetModuleOptions(*mut Ctx, c_int);
        create_command: RedisModule_CreateCommand(
            *mut Ctx, *const c_char, CommandFunction, *const c_char, c_int, c_int, c_int) -> c_int;
        get_command: RedisModule_GetCommand(*mut Ctx, *const c_char) -> *mut Command;
        set_command_info: RedisModule_SetCommandInfo(*mut Command, *const CommandInfo) -> c_int;
        is_keys_request: RedisModule_IsKeysPositionRequest(*mut Ctx) -> c_int;
        key_at: RedisModule_KeyAtPosWithFlags(*mut Ctx, c_int, c_int);
        context_flags: RedisModule_GetContextFlags(*mut Ctx) -> c_int;
        string_ptr_len: RedisModule_StringPtrLen(*const Word, *mut usize) -> *const c_char;
        create_string: RedisModule_CreateString(*mut Ctx, *const c_char, usize) -> *mut Word;
        free_string: RedisModule_FreeString(*mut Ctx, *mut Word);
        wrong_arity: RedisModule_WrongArity(*mut Ctx) -> c_int;
        reply_error: RedisModule_ReplyWithError(*mut Ctx, *const c_char) -> c_int;
        reply_null: RedisModule_ReplyWithNull(*mut Ctx) -> c_int;
        reply_null_array: RedisModule_ReplyWithNullArray(*mut Ctx) -> c_int;
        reply_simple: RedisModule_ReplyWithSimpleString(*mut Ctx, *const c_char) -> c_int;
        reply_bulk: RedisModule_ReplyWithStringBuffer(*mut Ctx, *const c_char, usize) -> c_int;
        reply_integer: RedisModule_ReplyWithLongLong(*mut Ctx, c_longlong) -> c_int;
        reply_double: RedisModule_ReplyWithDouble(*mut Ctx, f64) -> c_int;
        reply_bool: RedisModule_ReplyWithBool(*mut Ctx, c_int) -> c_int;
        reply_big_number: RedisModule_ReplyWithBigNumber(*mut Ctx, *const c_char, usize) -> c_int;
        reply_array: RedisModule_ReplyWithArray(*mut Ctx, c_long) -> c_int;
        reply_map: RedisModule_ReplyWithMap(*mut Ctx, c_long) -> c_int;
        reply_set: RedisModule_ReplyWithSet(*mut Ctx, c_long) -> c_int;
        open_key: RedisModule_OpenKey(*mut Ctx, *mut Word, c_int) -> *mut Key;
        close_key: RedisModule_CloseKey(*mut Key);
        key_type: RedisModule_KeyType(*mut Key) -> c_int;
        module_type: RedisModule_ModuleTypeGetType(*mut Key) -> *mut Type;
        module_value: RedisModule_ModuleTypeGetValue(*mut Key) -> *mut c_void;
        set_module_value: RedisModule_ModuleTypeSetValue(
            *mut Key, *mut Type, *mut c_void) -> c_int;
        delete_key: RedisModule_DeleteKey(*mut Key) -> c_int;
        signal_modified_key: RedisModule_SignalModifiedKey(*mut Ctx, *mut Word) -> c_int;
        notify: RedisModule_NotifyKeyspaceEvent(
            *mut Ctx, c_int, *const c_char, *mut Word) -> c_int;
        replicate: RedisModule_Replicate(*mut Ctx, *const c_char, *const c_char, ...) -> c_int;
        replicate_verbatim: RedisModule_ReplicateVerbatim(*mut Ctx) -> c_int;
        create_data_type: RedisModule_CreateDataType(
            *mut Ctx, *const c_char, c_int, *mut TypeMethods) -> *mut Type;
        save_unsigned: RedisModule_SaveUnsigned(*mut Io, u64);
        save_signed: RedisModule_SaveSigned(*mut Io, i64);
        save_float: RedisModule_SaveFloat(*mut Io, f32);
        save_double: RedisModule_SaveDouble(*mut Io, f64);
        save_bytes: RedisModule_SaveStringBuffer(*mut Io, *const c_char, usize);
        load_unsigned: RedisModule_LoadUnsigned(*mut Io) -> u64;
        load_signed: RedisModule_LoadSigned(*mut Io) -> i64;
        load_float: RedisModule_LoadFloat(*mut Io) -> f32;
        load_double: RedisModule_LoadDouble(*mut Io) -> f64;
        load_bytes: RedisModule_LoadStringBuffer(*mut Io, *mut usize) -> *mut c_char;
        is_io_error: RedisModule_IsIOError(*mut Io) -> c_int;
        emit_aof: RedisModule_EmitAOF(*mut Io, *const c_char, *const c_char, ...);
        digest_add: RedisModule_DigestAddStringBuffer(*mut Digest, *const c_char, usize);
        digest_end: RedisModule_DigestEndSequence(*mut Digest);
        register_numeric: RedisModule_RegisterNumericConfig(
            *mut Ctx, *const c_char, c_longlong, c_uint, c_longlong, c_longlong,
            bindings::RedisModuleConfigGetNumericFunc, bindings::RedisModuleConfigSetNumericFunc,
            bindings::RedisModuleConfigApplyFunc, *mut c_void) -> c_int;
        register_enum: RedisModule_RegisterEnumConfig(
            *mut Ctx, *const c_char, c_int, c_uint, *mut *const c_char, *const c_int, c_int,
            bindings::RedisModuleConfigGetEnumFunc, bindings::RedisModuleConfigSetEnumFunc,
            bindings::RedisModuleConfigApplyFunc, *mut c_void) -> c_int;
        register_bool: RedisModule_RegisterBoolConfig(
            *mut Ctx, *const c_char, c_int, c_uint,
            bindings::RedisModuleConfigGetBoolFunc, bindings::RedisModuleConfigSetBoolFunc,
            bindings::RedisModuleConfigApplyFunc, *mut c_void) -> c_int;
        register_string: RedisModule_RegisterStringConfig(
            *mut Ctx, *const c_char, *const c_char, c_uint,
            bindings::RedisModuleConfigGetStringFunc, bindings::RedisModuleConfigSetStringFunc,
            bindings::RedisModuleConfigApplyFunc, *mut c_void) -> c_int;
        load_configs: RedisModule_LoadConfigs(*mut Ctx) -> c_int;
        register_info: RedisModule_RegisterInfoFunc(
            *mut Ctx, bindings::RedisModuleInfoFunc) -> c_int;
        info_section: RedisModule_InfoAddSection(*mut InfoCtx, *const c_char) -> c_int;
        info_count: RedisModule_InfoAddFieldULongLong(
            *mut InfoCtx, *const c_char, c_ulonglong) -> c_int;
        info_text: RedisModule_InfoAddFieldCString(
            *mut InfoCtx, *const c_char, *const c_char) -> c_int;
        block_client: RedisModule_BlockClient(
            *mut Ctx, CommandFunction, CommandFunction,
            Option<unsafe extern "C" fn(*mut Ctx, *mut c_void)>, c_longlong) -> *mut BlockedClient;
        block_on_keys: RedisModule_BlockClientOnKeys(
            *mut Ctx, CommandFunction, CommandFunction,
            Option<unsafe extern "C" fn(*mut Ctx, *mut c_void)>, c_longlong, *mut *mut Word, c_int,
            *mut c_void) -> *mut BlockedClient;
        signal_key_as_ready: RedisModule_SignalKeyAsReady(*mut Ctx, *mut Word);
        check_key_permissions: RedisModule_ACLCheckKeyPermissions(
            *mut User, *mut Word, c_int) -> c_int;
        unblock_client: RedisModule_UnblockClient(*mut BlockedClient, *mut c_void) -> c_int;
        blocked_private_data: RedisModule_GetBlockedClientPrivateData(*mut Ctx) -> *mut c_void;
        on_disconnect: RedisModule_SetDisconnectCallback(
            *mut BlockedClient, bindings::RedisModuleDisconnectFunc);
        subscribe_keys: RedisModule_SubscribeToKeyspaceEvents(
            *mut Ctx, c_int, bindings::RedisModuleNotificationFunc) -> c_int;
        subscribe_server: RedisModule_SubscribeToServerEvent(
            *mut Ctx, Event, bindings::RedisModuleEventCallback) -> c_int;
        selected_db: RedisModule_GetSelectedDb(*mut Ctx) -> c_int;
        select_db: RedisModule_SelectDb(*mut Ctx, c_int) -> c_int;
        db_size: RedisModule_DbSize(*mut Ctx) -> c_ulonglong;
        hash_get: RedisModule_HashGet(*mut Key, c_int, ...) -> c_int;
        scan_key: RedisModule_ScanKey(
            *mut Key, *mut ScanCursor, bindings::RedisModuleScanKeyCB, *mut c_void) -> c_int;
        scan: RedisModule_Scan(
            *mut Ctx, *mut ScanCursor, bindings::RedisModuleScanCB, *mut c_void) -> c_int;
        scan_cursor: RedisModule_ScanCursorCreate() -> *mut ScanCursor;
        free_scan_cursor: RedisModule_ScanCursorDestroy(*mut ScanCursor);
        create_timer: RedisModule_CreateTimer(
            *mut Ctx, bindings::mstime_t, bindings::RedisModuleTimerProc, *mut c_void)
            -> bindings::RedisModuleTimerID;
        detached_context: RedisModule_GetDetachedThreadSafeContext(*mut Ctx) -> *mut Ctx;
        lock_context: RedisModule_ThreadSafeContextLock(*mut Ctx);
        unlock_context: RedisModule_ThreadSafeContextUnlock(*mut Ctx);
        call: RedisModule_Call(*mut Ctx, *const c_char, *const c_char, ...) -> *mut CallReply;
        free_call_reply: RedisModule_FreeCallReply(*mut CallReply);
        call_reply_element: RedisModule_CallReplyArrayElement(
            *mut CallReply, usize) -> *mut CallReply;
        call_reply_bytes: RedisModule_CallReplyProto(
            *mut CallReply, *mut usize) -> *const c_char;
        call_reply_text: RedisModule_CallReplyStringPtr(
            *mut CallReply, *mut usize) -> *const c_char;
        server_info: RedisModule_GetServerInfo(*mut Ctx, *const c_char) -> *mut ServerInfo;
        server_info_field: RedisModule_ServerInfoGetFieldUnsigned(
            *mut ServerInfo, *const c_char, *mut c_int) -> c_ulonglong;
        free_server_info: RedisModule_FreeServerInfo(*mut Ctx, *mut ServerInfo);
        export_shared: RedisModule_ExportSharedAPI(
            *mut Ctx, *const c_char, *mut c_void) -> c_int;
        shared: RedisModule_GetSharedAPI(*mut Ctx, *const c_char) -> *mut c_void;
        current_user_name: RedisModule_GetCurrentUserName(*mut Ctx) -> *mut Word;
        user: RedisModule_GetModuleUserFromUserName(*mut Word) -> *mut User;
        free_user: RedisModule_FreeModuleUser(*mut User);
    }
    optional {
        type_method_version: RedisModule_GetTypeMethodVersion() -> c_int;
        module_options_all: RedisModule_GetModuleOptionsAll() -> c_int;
        add_acl_category: RedisModule_AddACLCategory(*mut Ctx, *const c_char) -> c_int;
        set_acl_categories: RedisModule_SetCommandACLCategories(
            *mut Command, *const c_char) -> c_int;
        user_acl: RedisModule_GetModuleUserACLString(*mut User) -> *mut Word;
        server_version: RedisModule_GetServerVersion() -> c_int;
        register_filter: RedisModule_RegisterCommandFilter(
            *mut Ctx, bindings::RedisModuleCommandFilterFunc, c_int)
            -> *mut bindings::RedisModuleCommandFilter;
        filtered_word: RedisModule_CommandFilterArgGet(*mut FilterCtx, c_int) -> *mut Word;
        filtered_client: RedisModule_CommandFilterGetClientId(*mut FilterCtx) -> c_ulonglong;
        client_id: RedisModule_GetClientId(*mut Ctx) -> c_ulonglong;
        client_info: RedisModule_GetClientInfoById(*mut c_void, u64) -> c_int;
        malloc_size: RedisModule_MallocSize(*mut c_void) -> usize;
        defrag_alloc: RedisModule_DefragAlloc(*mut DefragCtx, *mut c_void) -> *mut c_void;
        defrag_should_stop: RedisModule_DefragShouldStop(*mut DefragCtx) -> c_int;
        defrag_cursor_set: RedisModule_DefragCursorSet(*mut DefragCtx, c_ulong) -> c_int;
        defrag_cursor: RedisModule_DefragCursorGet(*mut DefragCtx, *mut c_ulong) -> c_int;
    }
}

/// The table of the server this library is loaded in.
static TABLE: OnceLock<Api> = OnceLock::new();

/// Why there is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) &'static str);

/// Fills the table.
///
/// # Errors
/// [`Missing`] with the function this server lacks.
///
/// # Safety
/// `get_api` is a server's own.
pub(crate) unsafe fn fill(get_api: GetApi) -> Result<&'static Api, Missing> {
    // SAFETY: the caller's promise.
    let table = unsafe { Api::look_up(get_api) }.map_err(Missing)?;
    Ok(TABLE.get_or_init(|| table))
}

/// The table, if a server filled it.
pub(crate) fn try_api() -> Option<&'static Api> {
    TABLE.get()
}

/// The table.
///
/// # Safety
/// [`fill`] succeeded: true of everything that runs in a callback this crate registered.
pub(crate) unsafe fn api() -> &'static Api {
    // SAFETY: the caller's promise.
    unsafe { TABLE.get().unwrap_unchecked() }
}

/// `GetApi`, from where every server puts it for a library it loads: the context's first word.
///
/// # Safety
/// `ctx` is the context of the server's call of `OnLoad`.
pub(crate) unsafe fn get_api(ctx: *mut Ctx) -> Option<GetApi> {
    // SAFETY: the context begins with this pointer in every version of the header.
    unsafe { ctx.cast::<Option<GetApi>>().read() }
}

/// The function of this name, `None` where the server lacks it.
///
/// # Safety
/// `get_api` is a server's own, and `F` is the type of a pointer to the function `name`.
pub(crate) unsafe fn find<F: Copy>(get_api: GetApi, name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    let mut found: *mut c_void = std::ptr::null_mut();
    // SAFETY: `GetApi` reads the name and writes one pointer.
    unsafe { get_api(name.as_ptr(), (&raw mut found).cast()) };
    // SAFETY: a pointer that is not null is a function of type `F`.
    (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
}

/// A literal that ends in NUL as a C string; without NUL, the empty one.
const fn c_name(name: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => c"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn anything() {}

    /// A server that has every function but those of ACL categories.
    unsafe extern "C" fn without_acl(name: *const c_char, place: *mut c_void) -> c_int {
        // SAFETY: `find` gives a name that ends in NUL.
        let name = unsafe { CStr::from_ptr(name) }.to_bytes();
        let is_of_categories = name.windows(10).any(|part| part == b"ACLCategor");
        let known = name.starts_with(b"RedisModule_") && !is_of_categories;
        if known {
            // SAFETY: `find` gives a place for one pointer.
            unsafe { place.cast::<unsafe extern "C" fn()>().write(anything) };
        }
        c_int::from(!known)
    }

    /// A server from before the description of commands.
    unsafe extern "C" fn too_old(name: *const c_char, place: *mut c_void) -> c_int {
        // SAFETY: as above.
        let name = unsafe { CStr::from_ptr(name) };
        if name == c"RedisModule_SetCommandInfo" {
            return ERR;
        }
        // SAFETY: as above.
        unsafe { without_acl(name.as_ptr(), place) }
    }

    #[test]
    fn what_is_optional_may_lack_and_what_is_required_is_named() {
        // SAFETY: nothing of the table is called.
        let (found, refused) = unsafe { (Api::look_up(without_acl), Api::look_up(too_old)) };
        let found = found.unwrap();
        assert!(found.add_acl_category.is_none() && found.defrag_alloc.is_some());
        assert_eq!(refused.unwrap_err(), "RedisModule_SetCommandInfo");
    }
}
