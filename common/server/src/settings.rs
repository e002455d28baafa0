//! Settings as load arguments and as the server's own configuration.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_longlong, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use keyspan_common::settings::{Kind, Setting};
use redis_module::raw::{
    REDISMODULE_CONFIG_DEFAULT, REDISMODULE_CONFIG_IMMUTABLE, REDISMODULE_CONFIG_MEMORY,
    REDISMODULE_CONFIG_UNPREFIXED,
};

use crate::capabilities::{Family, capabilities};
use crate::guard::guard;
use crate::raw::{self, Api};

/// The words behind the file name in `loadmodule`, as far as they are no settings.
#[derive(Debug, Default)]
pub struct LoadArguments {
    flags: Vec<&'static str>,
}

impl LoadArguments {
    /// Whether a word of [`Self::parse`]'s `flags` was given.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// Reads `name value` pairs into `settings`, and the words of `flags` that stand alone.
    ///
    /// # Errors
    /// What to log: an unknown name, a value that is missing or out of range.
    pub(crate) fn parse(
        words: &[&[u8]],
        settings: &'static [&'static Setting],
        flags: &[&'static str],
    ) -> Result<Self, String> {
        let mut arguments = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = String::from_utf8_lossy(word);
            if let Some(flag) = flags.iter().find(|flag| flag.eq_ignore_ascii_case(&name)) {
                arguments.flags.push(flag);
                continue;
            }
            let setting = settings
                .iter()
                .find(|setting| setting.is_named(&name))
                .ok_or_else(|| format!("unknown load argument '{name}'"))?;
            let value = words.next().ok_or_else(|| format!("'{name}' lacks its value"))?;
            let value = String::from_utf8_lossy(value);
            if !takes(setting, &value) {
                return Err(format!("'{value}' is no value of '{name}'"));
            }
        }
        Ok(arguments)
    }
}

/// Sets a setting to what a word says; whether it is one of its values.
fn takes(setting: &Setting, word: &str) -> bool {
    match setting.kind {
        Kind::Text(_) => setting.set_text(word).is_ok(),
        Kind::Bool | Kind::Choice(_) | Kind::Integer { .. } | Kind::Memory { .. } | Kind::Ratio => {
            setting.parse(word).is_some_and(|number| setting.set(number))
        }
    }
}

/// A setting that the server keeps as a text.
fn shown(setting: &Setting) -> String {
    match setting.kind {
        Kind::Text(_) => setting.text(),
        Kind::Bool | Kind::Choice(_) | Kind::Integer { .. } | Kind::Memory { .. } | Kind::Ratio => {
            setting.ratio().to_string()
        }
    }
}

/// Registers every setting but those that are load arguments alone, with its present value as the
/// default, then lets the server apply what its configuration file says.
///
/// # Errors
/// What to log.
///
/// # Safety
/// `ctx` is that of `OnLoad`.
pub(crate) unsafe fn register(
    api: &Api,
    ctx: *mut raw::Ctx,
    settings: &'static [&'static Setting],
) -> Result<(), String> {
    // Redis knows the flag from 8.0 on. In Valkey 9.1 the same bit makes a number unsigned.
    let mut can_be_bare = capabilities().is_some_and(|found| found.family == Family::Redis);
    for setting in settings.iter().filter(|setting| !setting.load_only) {
        // SAFETY: the caller's promise.
        if !unsafe { register_names(api, ctx, setting, &mut can_be_bare) } {
            return Err(format!("the server refuses the setting '{}'", setting.name));
        }
    }
    // SAFETY: the caller's promise.
    if settings.is_empty() || unsafe { (api.load_configs)(ctx) } == raw::OK {
        Ok(())
    } else {
        Err("the server refuses a setting of its configuration file".to_owned())
    }
}

/// Registers a setting under each of its names; whether the server took them. A server that refuses
/// a bare name writes a line of its log each time, and is not asked again: `can_be_bare`.
///
/// # Safety
/// As for [`register`].
unsafe fn register_names(
    api: &Api,
    ctx: *mut raw::Ctx,
    setting: &'static Setting,
    can_be_bare: &mut bool,
) -> bool {
    let flags =
        if setting.fixed { REDISMODULE_CONFIG_IMMUTABLE } else { REDISMODULE_CONFIG_DEFAULT };
    // SAFETY: the caller's promise; likewise below.
    let take = |name, flags| unsafe { register_one(api, ctx, setting, name, flags) } == raw::OK;
    let mut taken = false;
    if setting.unprefixed && *can_be_bare {
        taken = take(setting.name, flags | REDISMODULE_CONFIG_UNPREFIXED);
        *can_be_bare = taken;
    }
    (taken || take(setting.name, flags)) && setting.aliases.iter().all(|alias| take(alias, flags))
}

/// # Safety
/// As for [`register`].
unsafe fn register_one(
    api: &Api,
    ctx: *mut raw::Ctx,
    setting: &'static Setting,
    name: &str,
    fixed: c_uint,
) -> c_int {
    let Ok(name) = CString::new(name) else { return raw::ERR };
    let data = std::ptr::from_ref(setting).cast_mut().cast::<c_void>();
    let numeric = |flags: c_uint, min, max| {
        let (name, value) = (name.as_ptr(), setting.get());
        let (read, write) = (Some(number as _), Some(set_number as _));
        // SAFETY: the caller's promise; the setting lives for ever.
        unsafe {
            (api.register_numeric)(ctx, name, value, flags, min, max, read, write, None, data)
        }
    };
    match setting.kind {
        Kind::Integer { min, max } => numeric(fixed, min, max),
        Kind::Memory { max } => numeric(fixed | REDISMODULE_CONFIG_MEMORY, 0, max),
        Kind::Bool => {
            let (name, value) = (name.as_ptr(), word_of(setting));
            let (read, write) = (Some(word as _), Some(set_word as _));
            // SAFETY: as above.
            unsafe { (api.register_bool)(ctx, name, value, fixed, read, write, None, data) }
        }
        // SAFETY: as above.
        Kind::Choice(words) => unsafe { register_choice(api, ctx, &name, setting, words, fixed) },
        Kind::Ratio | Kind::Text(_) => {
            let Ok(value) = CString::new(shown(setting)) else { return raw::ERR };
            let (name, value) = (name.as_ptr(), value.as_ptr());
            let (read, write) = (Some(text as _), Some(set_text as _));
            // SAFETY: as above; the server copies the value.
            unsafe { (api.register_string)(ctx, name, value, fixed, read, write, None, data) }
        }
    }
}

/// # Safety
/// As for [`register`].
unsafe fn register_choice(
    api: &Api,
    ctx: *mut raw::Ctx,
    name: &CString,
    setting: &'static Setting,
    words: &[&str],
    flags: c_uint,
) -> c_int {
    let Ok(texts) = words.iter().map(|word| CString::new(*word)).collect::<Result<Vec<_>, _>>()
    else {
        return raw::ERR;
    };
    let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
    let numbers: Vec<c_int> = (0..).take(words.len()).collect();
    let Ok(count) = c_int::try_from(words.len()) else { return raw::ERR };
    let data = std::ptr::from_ref(setting).cast_mut().cast::<c_void>();
    // SAFETY: the caller's promise; the server copies names and numbers.
    unsafe {
        (api.register_enum)(
            ctx,
            name.as_ptr(),
            word_of(setting),
            flags,
            pointers.as_mut_ptr(),
            numbers.as_ptr(),
            count,
            Some(word),
            Some(set_word),
            None,
            data,
        )
    }
}

/// The value of a setting whose range is a few words.
fn word_of(setting: &Setting) -> c_int {
    c_int::try_from(setting.get()).unwrap_or(0)
}

/// # Safety
/// Called by the server; `data` is the setting given to it. So are all below.
unsafe extern "C" fn number(_name: *const c_char, data: *mut c_void) -> c_longlong {
    // SAFETY: the setting lives for ever.
    unsafe { &*data.cast::<Setting>() }.get()
}

unsafe extern "C" fn word(_name: *const c_char, data: *mut c_void) -> c_int {
    // SAFETY: as above.
    word_of(unsafe { &*data.cast::<Setting>() })
}

/// The server reads the text and leaves it to the module: the last one of each setting is kept.
unsafe extern "C" fn text(_name: *const c_char, data: *mut c_void) -> *mut raw::Word {
    // SAFETY: as above; the table is filled when a callback runs.
    let (setting, api) = unsafe { (&*data.cast::<Setting>(), raw::api()) };
    guard("CONFIG GET", || {
        let value = shown(setting);
        // SAFETY: the server copies the text.
        let word = unsafe { (api.create_string)(null_mut(), value.as_ptr().cast(), value.len()) };
        let mut kept = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Kept(old)) = kept.insert(setting.name, Kept(word)) {
            // SAFETY: made above, and the server no longer reads it.
            unsafe { (api.free_string)(null_mut(), old) };
        }
        word
    })
    .unwrap_or(null_mut())
}

/// A string of the server's that this module owns; touched only where CONFIG runs.
struct Kept(*mut raw::Word);

// SAFETY: a pointer that is only handed to the server, under the lock around it.
unsafe impl Send for Kept {}

static TEXTS: Mutex<BTreeMap<&str, Kept>> = Mutex::new(BTreeMap::new());

unsafe extern "C" fn set_text(
    _name: *const c_char,
    value: *mut raw::Word,
    data: *mut c_void,
    error: *mut *mut raw::Word,
) -> c_int {
    // SAFETY: as above.
    let (setting, api) = unsafe { (&*data.cast::<Setting>(), raw::api()) };
    let taken = guard("CONFIG SET", || {
        let mut len = 0;
        // SAFETY: the server's own string, alive for the call.
        let value = unsafe {
            let start = (api.string_ptr_len)(value, &raw mut len);
            std::slice::from_raw_parts(start.cast(), len)
        };
        set_from(setting, &String::from_utf8_lossy(value))
    });
    match taken {
        Some(Ok(())) => raw::OK,
        // SAFETY: the server reads the error.
        Some(Err(why)) => unsafe { tell(&why, error) },
        // SAFETY: as above.
        None => unsafe { tell("internal error", error) },
    }
}

/// # Errors
/// What the client is told.
fn set_from(setting: &Setting, text: &str) -> Result<(), String> {
    if matches!(setting.kind, Kind::Text(_)) {
        return setting.set_text(text);
    }
    let is_taken = setting.parse(text).is_some_and(|number| setting.set(number));
    if is_taken { Ok(()) } else { Err(format!("Invalid value for `{}`", setting.name)) }
}

unsafe extern "C" fn set_number(
    _name: *const c_char,
    value: c_longlong,
    data: *mut c_void,
    error: *mut *mut raw::Word,
) -> c_int {
    // SAFETY: as above; the server reads the error.
    unsafe { set(&*data.cast::<Setting>(), value, error) }
}

unsafe extern "C" fn set_word(
    _name: *const c_char,
    value: c_int,
    data: *mut c_void,
    error: *mut *mut raw::Word,
) -> c_int {
    // SAFETY: as above; the server reads the error.
    unsafe { set(&*data.cast::<Setting>(), value.into(), error) }
}

/// # Safety
/// `error` is the server's place for the text of an error, which it frees.
unsafe fn set(setting: &Setting, value: i64, error: *mut *mut raw::Word) -> c_int {
    if guard("CONFIG SET", || setting.set(value)) == Some(true) {
        return raw::OK;
    }
    // SAFETY: the caller's promise.
    unsafe { tell(&format!("'{value}' is no value of '{}'", setting.name), error) }
}

/// # Safety
/// `error` is the server's place for the text of an error, which it frees.
unsafe fn tell(text: &str, error: *mut *mut raw::Word) -> c_int {
    // SAFETY: the caller's promise; a callback runs, so that the table is filled.
    unsafe { *error = (raw::api().create_string)(null_mut(), text.as_ptr().cast(), text.len()) };
    raw::ERR
}

#[cfg(test)]
mod tests {
    use super::*;

    static LIMIT: Setting = Setting::new("limit", "", Kind::Integer { min: 1, max: 9 }, 5);
    static MODE: Setting = Setting::new("mode", "", Kind::Choice(&["a", "b"]), 0);
    static SETTINGS: [&Setting; 2] = [&LIMIT, &MODE];

    fn check(words: &[&str], expected: Result<bool, &str>) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let outcome = LoadArguments::parse(&words, &SETTINGS, &["skip"]).map(|a| a.has("skip"));
        assert_eq!(outcome, expected.map_err(str::to_owned));
    }

    #[test]
    fn load_arguments_are_pairs_and_flags() {
        check(&[], Ok(false));
        check(&["SKIP"], Ok(true));
        check(&["limit", "7", "skip", "MODE", "B"], Ok(true));
        assert_eq!((SETTINGS[0].get(), SETTINGS[1].get()), (7, 1));
        check(&["limit"], Err("'limit' lacks its value"));
        check(&["limit", "10"], Err("'10' is no value of 'limit'"));
        check(&["mode", "c"], Err("'c' is no value of 'mode'"));
        check(&["what", "1"], Err("unknown load argument 'what'"));
    }
}
