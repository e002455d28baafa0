//! Rows of the command table as the server registers them: flags, key specs, documents, ACL.

use std::ffi::{CString, c_int};
use std::ptr::{null, null_mut};

use keyspan_common::command::{Access, Argument, ArgumentKind, Arity, Keys, Row};
use redis_module::raw as bindings;

use crate::entry::Entry;
use crate::log::{self, Level};
use crate::raw::{self, Api};

/// Sizes of the structures below, so that a server knows how far apart array elements are.
static LAYOUT: Layout = Layout(raw::CommandInfoVersion {
    version: 1,
    sizeof_historyentry: size_of::<bindings::RedisModuleCommandHistoryEntry>(),
    sizeof_keyspec: size_of::<raw::KeySpec>(),
    sizeof_arg: size_of::<raw::CommandArg>(),
});

/// Shared between threads as the plain numbers it is.
struct Layout(raw::CommandInfoVersion);

const CLUSTER: u32 = bindings::REDISMODULE_CTX_FLAGS_CLUSTER;

/// Deepest nesting of arguments that is handed to the server.
const DEPTH_MAX: usize = 8;

/// Registers a command and everything its row says.
///
/// # Errors
/// What to log.
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn register(api: &Api, ctx: *mut raw::Ctx, entry: &Entry) -> Result<(), String> {
    // A node would refuse names that another one's slots have.
    // SAFETY: the caller's promise.
    let is_node = unsafe { (api.context_flags)(ctx) }.cast_unsigned() & CLUSTER != 0;
    let untracked = Row { keys: Keys::None, ..entry.row };
    let row = if is_node && entry.row.keys == Keys::Tracked { &untracked } else { &entry.row };
    let refused = |what: &str| format!("the server refuses {what} of the command '{}'", row.name);
    let name = CString::new(row.name).map_err(|_| refused("the name"))?;
    let (first, last, step) = match row.keys {
        Keys::None | Keys::Counted { .. } => (0, 0, 0),
        Keys::Range { first, last, step } => (first, last, step),
        Keys::FirstAndCounted { .. } | Keys::Tracked => (1, 1, 1),
    };
    let flags = CString::new(flags(row)).map_err(|_| refused("the flags"))?;
    let (name, flags) = (name.as_ptr(), flags.as_ptr());
    // SAFETY: the caller's promise; the server copies the texts.
    unsafe {
        if (api.create_command)(ctx, name, Some(entry.enter), flags, first, last, step) != raw::OK {
            return Err(refused("the registration"));
        }
        let command = (api.get_command)(ctx, name);
        describe(api, command, row).ok_or_else(|| refused("the description"))?;
        categorize(api, command, row);
    }
    Ok(())
}

/// Redis up to 8.0 and Valkey look for the slots of a cluster in the first of the key specs alone, and
/// there for no number of keys: where there are more, the command itself is asked ([`crate::entry`]).
fn flags(row: &Row) -> String {
    let access = match row.access {
        Access::Read => "readonly",
        Access::Grow => "write deny-oom",
        Access::Shrink => "write",
    };
    let fast = if row.fast { " fast" } else { "" };
    let keys = match row.keys {
        Keys::None | Keys::Tracked | Keys::Range { .. } => "",
        Keys::Counted { .. } | Keys::FirstAndCounted { .. } => " getkeys-api",
    };
    format!("{access}{fast}{keys}")
}

/// # Safety
/// As for [`register`]; `command` is one of this module's.
unsafe fn describe(api: &Api, command: *mut raw::Command, row: &Row) -> Option<()> {
    let mut texts = Texts { last_key_spec: last_key_spec(row.keys), ..Texts::default() };
    let mut keys = key_specs(row);
    let mut info = raw::CommandInfo {
        version: &raw const LAYOUT.0,
        summary: texts.keep(row.summary),
        complexity: texts.keep(row.complexity),
        since: texts.keep(row.since),
        history: null_mut(),
        tips: texts.keep(&row.tips.join(" ")),
        arity: arity(row.arity),
        key_specs: if row.keys == Keys::None { null_mut() } else { keys.as_mut_ptr() },
        args: null_mut(),
    };
    info.args = texts.arguments(row.arguments, DEPTH_MAX);
    // SAFETY: the caller's promise; the server copies everything, and `texts` lives till then.
    (unsafe { (api.set_command_info)(command, &raw const info) } == raw::OK).then_some(())
}

fn arity(arity: Arity) -> c_int {
    match arity {
        Arity::AtLeast(count) => -c_int::from(count),
        Arity::Exactly(count) => c_int::from(count),
    }
}

const END_OF_KEYS: raw::KeySpec = raw::KeySpec {
    notes: null(),
    flags: 0,
    begin_search_type: bindings::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INVALID,
    bs: bindings::RedisModuleCommandKeySpec__bindgen_ty_1 {
        index: bindings::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_1 { pos: 0 },
    },
    find_keys_type: bindings::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_OMITTED,
    fk: bindings::RedisModuleCommandKeySpec__bindgen_ty_2 {
        range: bindings::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 {
            lastkey: 0,
            keystep: 0,
            limit: 0,
        },
    },
};

fn key_specs(row: &Row) -> [raw::KeySpec; 3] {
    let mut specs = [END_OF_KEYS; 3];
    match row.keys {
        Keys::None => {}
        Keys::Tracked => {
            let not_key = bindings::REDISMODULE_CMD_KEY_NOT_KEY;
            let flags = key_flags(Access::Read) | not_key;
            specs[0] = raw::KeySpec { flags: flags.into(), ..range(Access::Read, 1, 1, 1) };
        }
        Keys::Range { first, last, step } => specs[0] = range(row.access, first, last, step),
        Keys::Counted { count } => specs[0] = counted(row.access, count),
        Keys::FirstAndCounted { count } => {
            specs[0] =
                raw::KeySpec { flags: FIRST_OF_COUNTED.into(), ..range(row.access, 1, 1, 1) };
            specs[1] = counted(Access::Read, count);
        }
    }
    specs
}

/// The index of the last of [`key_specs`].
const fn last_key_spec(keys: Keys) -> c_int {
    match keys {
        Keys::None | Keys::Range { .. } | Keys::Tracked | Keys::Counted { .. } => 0,
        Keys::FirstAndCounted { .. } => 1,
    }
}

/// Keys behind a number that says how many there are.
fn counted(access: Access, count: c_int) -> raw::KeySpec {
    raw::KeySpec {
        find_keys_type: bindings::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_KEYNUM,
        fk: bindings::RedisModuleCommandKeySpec__bindgen_ty_2 {
            keynum: bindings::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_2 {
                keynumidx: 0,
                firstkey: 1,
                keystep: 1,
            },
        },
        ..range(access, count, count, 1)
    }
}

/// What a command does to the key that stands before those it counts: what was in it is neither
/// replied nor copied elsewhere, so that the right to write is enough.
pub(crate) const FIRST_OF_COUNTED: u32 =
    bindings::REDISMODULE_CMD_KEY_RW | bindings::REDISMODULE_CMD_KEY_UPDATE;

pub(crate) fn key_flags(access: Access) -> u32 {
    match access {
        Access::Read => bindings::REDISMODULE_CMD_KEY_RO | bindings::REDISMODULE_CMD_KEY_ACCESS,
        Access::Grow => {
            bindings::REDISMODULE_CMD_KEY_RW
                | bindings::REDISMODULE_CMD_KEY_ACCESS
                | bindings::REDISMODULE_CMD_KEY_UPDATE
        }
        Access::Shrink => {
            bindings::REDISMODULE_CMD_KEY_RW
                | bindings::REDISMODULE_CMD_KEY_ACCESS
                | bindings::REDISMODULE_CMD_KEY_DELETE
        }
    }
}

fn range(access: Access, first: c_int, last: c_int, step: c_int) -> raw::KeySpec {
    raw::KeySpec {
        flags: key_flags(access).into(),
        begin_search_type: bindings::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INDEX,
        bs: bindings::RedisModuleCommandKeySpec__bindgen_ty_1 {
            index: bindings::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_1 { pos: first },
        },
        find_keys_type: bindings::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_RANGE,
        fk: bindings::RedisModuleCommandKeySpec__bindgen_ty_2 {
            range: bindings::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 {
                // Counted from the first key; from the end if negative.
                lastkey: if last < 0 { last } else { last - first },
                keystep: step,
                limit: 0,
            },
        },
        ..END_OF_KEYS
    }
}

/// The texts and arrays one description points to.
#[derive(Default)]
struct Texts {
    /// The key spec of the next argument that is a key, and of the last one.
    key_spec: c_int,
    last_key_spec: c_int,
    texts: Vec<CString>,
    arrays: Vec<Box<[raw::CommandArg]>>,
}

impl Texts {
    /// The text as C wants it, alive as long as `self`; null for an empty one.
    fn keep(&mut self, text: &str) -> *const std::ffi::c_char {
        match CString::new(text) {
            Ok(text) if !text.is_empty() => {
                // The buffer stays where it is when the vector grows.
                let pointer = text.as_ptr();
                self.texts.push(text);
                pointer
            }
            _ => null(),
        }
    }

    /// The arguments as an array that ends in an empty one; null for none.
    fn arguments(&mut self, arguments: &[Argument], depth: usize) -> *mut raw::CommandArg {
        if arguments.is_empty() || depth == 0 {
            return null_mut();
        }
        let mut array: Vec<_> = arguments.iter().map(|arg| self.argument(arg, depth)).collect();
        array.push(NO_ARGUMENT);
        let mut array = array.into_boxed_slice();
        let pointer = array.as_mut_ptr();
        self.arrays.push(array);
        pointer
    }

    /// The key spec an argument belongs to, -1 if it is no key.
    fn key_spec_index(&mut self, kind: ArgumentKind) -> c_int {
        if kind != ArgumentKind::Key {
            return -1;
        }
        let index = self.key_spec;
        self.key_spec = self.last_key_spec.min(index + 1);
        index
    }

    fn argument(&mut self, argument: &Argument, depth: usize) -> raw::CommandArg {
        let optional = if argument.optional { bindings::REDISMODULE_CMD_ARG_OPTIONAL } else { 0 };
        let multiple = if argument.multiple { bindings::REDISMODULE_CMD_ARG_MULTIPLE } else { 0 };
        raw::CommandArg {
            name: self.keep(argument.name),
            type_: kind(argument.kind),
            key_spec_index: self.key_spec_index(argument.kind),
            token: argument.token.map_or(null(), |token| self.keep(token)),
            flags: (optional | multiple).cast_signed(),
            subargs: self.arguments(argument.parts, depth - 1),
            ..NO_ARGUMENT
        }
    }
}

const NO_ARGUMENT: raw::CommandArg = raw::CommandArg {
    name: null(),
    type_: 0,
    key_spec_index: -1,
    token: null(),
    summary: null(),
    since: null(),
    flags: 0,
    deprecated_since: null(),
    subargs: null_mut(),
    display_text: null(),
};

const fn kind(kind: ArgumentKind) -> bindings::RedisModuleCommandArgType {
    match kind {
        ArgumentKind::Block => bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_BLOCK,
        ArgumentKind::Double => bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_DOUBLE,
        ArgumentKind::Integer => bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER,
        ArgumentKind::Key => bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_KEY,
        ArgumentKind::OneOf => bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF,
        ArgumentKind::PureToken => {
            bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN
        }
        ArgumentKind::String => bindings::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING,
    }
}

/// Adds the module's own categories, each once, where the server can (Redis 7.0 cannot).
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn add_categories(api: &Api, ctx: *mut raw::Ctx, entries: &[Entry]) {
    let Some(add) = api.add_acl_category else { return };
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.row.category).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let Ok(text) = CString::new(name) else { continue };
        // SAFETY: the caller's promise; the server copies the name.
        if unsafe { add(ctx, text.as_ptr()) } != raw::OK {
            log::line(Level::Warning, &format!("the server refuses the ACL category '{name}'"));
        }
    }
}

/// Puts the command into its categories, where the server can.
///
/// # Safety
/// As for [`describe`].
unsafe fn categorize(api: &Api, command: *mut raw::Command, row: &Row) {
    let Some(set) = api.set_acl_categories else { return };
    let access = match row.access {
        Access::Read => "read",
        Access::Grow | Access::Shrink => "write",
    };
    let speed = if row.fast { "fast" } else { "slow" };
    let Ok(categories) = CString::new(format!("{access} {speed} {}", row.category)) else { return };
    // SAFETY: the caller's promise; the server copies the text.
    if unsafe { set(command, categories.as_ptr()) } != raw::OK {
        let name = row.name;
        log::line(Level::Warning, &format!("the server refuses the ACL categories of '{name}'"));
    }
}
