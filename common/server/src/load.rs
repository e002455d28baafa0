//! What happens when a server loads a module.

use std::ffi::{CString, c_int};
use std::slice;

use keyspan_common::settings::Setting;
use redis_module::raw::{
    REDISMODULE_APIVER_1, REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED,
    REDISMODULE_OPTIONS_HANDLE_IO_ERRORS,
};

use crate::capabilities::Family;
use crate::entry::Entry;
use crate::events::Events;
use crate::info::Figures;
use crate::log::{self, Level};
use crate::raw::{self, Api};
use crate::record::RecordEntry;
use crate::settings::LoadArguments;
use crate::shared::SharedDocuments;
use crate::value::TypeEntry;
use crate::{
    alloc, capabilities, command_info, events, guard, info, parts, settings, snapshot, turn,
};

/// What a module does last when it is loaded; an error refuses to load and is logged.
pub type Ready = fn(&LoadArguments) -> Result<(), String>;

/// Everything a module is; `module!` fills it.
#[derive(Debug)]
pub struct Module {
    /// Name in MODULE LIST.
    pub name: &'static str,
    /// Version in MODULE LIST.
    pub version: i32,
    /// Its data types.
    pub types: &'static [TypeEntry],
    /// Its commands.
    pub commands: &'static [Entry],
    /// Its settings.
    pub settings: &'static [&'static Setting],
    /// Its section of INFO.
    pub info: Option<Figures>,
    /// Called last.
    pub load: Option<Ready>,
    /// Its records beside the keys.
    pub records: &'static [RecordEntry],
    /// What it does when something happens.
    pub events: Option<Events>,
    /// The documents it lets other modules read.
    pub documents: Option<SharedDocuments>,
    /// What of another module's data is taken, and when.
    pub foreign: Option<Foreign>,
}

/// Data of a module that is not there, which would make the server refuse an RDB file.
#[derive(Clone, Copy, Debug)]
pub struct Foreign {
    /// The load argument that asks for it.
    pub flag: &'static str,
    /// Records that are read to their end and dropped.
    pub skipped: &'static [RecordEntry],
    /// Types whose values are kept as they are.
    pub kept: &'static [TypeEntry],
}

impl Module {
    /// What `OnLoad` does.
    ///
    /// # Safety
    /// The arguments are those of the server's call of `OnLoad`, which is the first thing in this
    /// library the server calls.
    pub unsafe fn on_load(
        &'static self,
        ctx: *mut raw::Ctx,
        argv: *mut *mut raw::Word,
        argc: c_int,
    ) -> c_int {
        // SAFETY: the caller's promise.
        let Some(get_api) = (unsafe { raw::get_api(ctx) }) else { return raw::ERR };
        // SAFETY: the server's own function, and no thread was started yet.
        let counted = unsafe { alloc::switch_to_server(get_api) };
        let outcome = guard::guard("loading", || {
            log::name(self.name);
            guard::install_hook();
            // SAFETY: the caller's promise.
            unsafe { self.start(get_api, ctx, argv, argc) }
        });
        match outcome {
            Some(Ok(())) => {
                if !counted {
                    log::line(Level::Warning, "this module's memory is not in used_memory");
                }
                raw::OK
            }
            Some(Err(reason)) => {
                // SAFETY: the server's own function.
                unsafe { refuse(get_api, &format!("{}: not loaded: {reason}", self.name)) };
                raw::ERR
            }
            None => raw::ERR,
        }
    }

    /// # Errors
    /// Why the module cannot be loaded.
    ///
    /// # Safety
    /// As for [`Self::on_load`].
    unsafe fn start(
        &'static self,
        get_api: raw::GetApi,
        ctx: *mut raw::Ctx,
        argv: *mut *mut raw::Word,
        argc: c_int,
    ) -> Result<(), String> {
        // SAFETY: the server's own function.
        let api = unsafe { raw::fill(get_api) }
            .map_err(|missing| format!("{TOO_OLD} (it lacks {})", missing.0))?;
        // SAFETY: the server's own function.
        unsafe { capabilities::probe(get_api, api) };
        // SAFETY: the caller's promise.
        unsafe {
            self.announce(api, ctx)?;
            let words = words(api, argv, argc);
            let flag = self.foreign.map(|foreign| foreign.flag);
            let arguments = LoadArguments::parse(&words, self.settings, flag.as_slice())?;
            settings::register(api, ctx, self.settings)?;
            self.register(api, ctx, &arguments)?;
            self.load.map_or(Ok(()), |load| load(&arguments))
        }
    }

    /// Names the module to the server and sets its options.
    ///
    /// # Safety
    /// As for [`Self::on_load`].
    unsafe fn announce(&self, api: &Api, ctx: *mut raw::Ctx) -> Result<(), String> {
        let name = CString::new(self.name).map_err(|_| "a name with NUL".to_owned())?;
        // SAFETY: the caller's promise; the server copies the name.
        unsafe {
            if (api.is_module_name_busy)(name.as_ptr()) != 0 {
                return Err("a module of this name is already loaded".to_owned());
            }
            let api_version = REDISMODULE_APIVER_1.cast_signed();
            (api.set_module_attribs)(ctx, name.as_ptr(), self.version, api_version);
            let known = api.module_options_all.map_or(c_int::MAX, |all| all());
            (api.set_module_options)(ctx, options().cast_signed() & known);
        }
        Ok(())
    }

    /// # Safety
    /// As for [`Self::on_load`].
    unsafe fn register(
        &self,
        api: &Api,
        ctx: *mut raw::Ctx,
        arguments: &LoadArguments,
    ) -> Result<(), String> {
        // SAFETY: the caller's promise.
        unsafe {
            for kind in self.types {
                kind.register(api, ctx)?;
            }
            if let Some(foreign) = self.foreign.filter(|foreign| arguments.has(foreign.flag)) {
                for kind in foreign.skipped {
                    kind.register(api, ctx)?;
                }
                for kind in foreign.kept {
                    kind.register(api, ctx)?;
                }
            }
            for kind in self.records {
                kind.register(api, ctx)?;
            }
            command_info::add_categories(api, ctx, self.commands);
            for entry in self.commands {
                command_info::register(api, ctx, entry)?;
            }
            parts::pick(self.commands);
            snapshot::follow(api, ctx);
            if let Some(figures) = self.info {
                info::register(api, ctx, figures);
            }
            if let Some(documents) = self.documents {
                documents.export(api, ctx)?;
            }
            if let Some(all) = self.events {
                events::register(api, ctx, all)?;
                turn::register(api, ctx);
            }
        }
        Ok(())
    }
}

const TOO_OLD: &str = "this server is too old: Redis 7.0 or Valkey 8.0, or later, is needed";

const OPTIONS: u32 =
    REDISMODULE_OPTIONS_HANDLE_IO_ERRORS | REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED;

/// Valkey 9 moves no slots by itself unless all modules say that they can be moved with: the keys come as
/// the commands of an AOF rewrite, and events say that they have gone. No header we build with has it.
const MOVES_SLOTS: u32 = 1 << 5;

/// Redis may give that bit another meaning.
fn options() -> u32 {
    let family = capabilities::capabilities().map(|found| found.family);
    if family == Some(Family::Valkey) { OPTIONS | MOVES_SLOTS } else { OPTIONS }
}

/// The words of the load line.
///
/// # Safety
/// As for [`Module::on_load`]; the words live as long as that call.
unsafe fn words<'call>(api: &Api, argv: *mut *mut raw::Word, argc: c_int) -> Vec<&'call [u8]> {
    let count = usize::try_from(argc).unwrap_or(0);
    if count == 0 || argv.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    let words = unsafe { slice::from_raw_parts(argv, count) };
    let bytes = |word: &*mut raw::Word| {
        let mut len = 0;
        // SAFETY: the caller's promise.
        unsafe {
            let start = (api.string_ptr_len)(*word, &raw mut len);
            slice::from_raw_parts(start.cast(), len)
        }
    };
    words.iter().map(bytes).collect()
}

/// Logs why the module is not loaded, also on a server too old for the table.
///
/// # Safety
/// `get_api` is the server's own.
unsafe fn refuse(get_api: raw::GetApi, text: &str) {
    type Log = unsafe extern "C" fn(*mut raw::Ctx, *const i8, *const i8, ...);
    // SAFETY: the type of this function in every version of the header.
    let log = unsafe { raw::find::<Log>(get_api, c"RedisModule_Log") };
    if let (Some(log), Ok(text)) = (log, CString::new(text)) {
        let (level, format) = (c"warning".as_ptr(), c"%s".as_ptr());
        // SAFETY: a level and a format with its one argument.
        unsafe { log(std::ptr::null_mut(), level, format, text.as_ptr()) };
    }
}
