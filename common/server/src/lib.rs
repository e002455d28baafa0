//! The module API of Valkey and Redis: all FFI of the workspace.
//!
//! A module describes itself with [`module!`] and holds no `unsafe` of its own. One library loads
//! into every server from Redis 7.0 and Valkey 8.0 on: what a server lacks is found by looking for
//! the function, never by its version (but for a defect: see `astray`).
#![expect(unsafe_code, reason = "the module API is C; each block says why it is sound")]

mod acl;
mod alloc;
mod aof;
mod astray;
mod call;
mod capabilities;
mod command_info;
mod context;
mod defrag;
mod entry;
mod events;
mod fork;
mod guard;
mod info;
mod job;
mod key;
mod load;
pub mod log;
mod parts;
mod raw;
mod rdb;
mod record;
mod replication;
mod reply;
mod rewrite;
mod server;
mod settings;
mod shared;
mod skipped_aux;
mod snapshot;
mod text;
mod turn;
mod value;
mod wait;

pub use alloc::ServerAlloc;
pub use call::{Call, ServerCommand};
pub use capabilities::{Capabilities, Family, capabilities};
pub use entry::Entry;
pub use events::{Events, Loading};
pub use fork::{between_forks, guard_forks};
pub use info::Figures;
pub use job::{in_background, set_threads};
pub use key::{Held, Name, OpenKey};
pub use load::{Foreign, Module, Ready};
pub use record::{RecordEntry, leaves_out_empty_records};
pub use server::{Scan, Server};
pub use settings::LoadArguments;
pub use shared::{Documents, SharedDocuments, Step, Unread, Wanted, has_documents};
pub use turn::{in_turn, is_main_thread};
pub use value::{TypeEntry, held};

/// For the expansion of [`module!`] alone.
#[doc(hidden)]
pub mod expansion {
    pub use redis_module::raw::{RedisModuleCtx as Ctx, RedisModuleString as Word};
}

/// Makes the library a module: exports the entry points of both families, and installs the
/// server's allocator.
///
/// ```text
/// keyspan_server::module! {
///     name: "ReJSON",
///     version: 80800,
///     types: [Document => encoding],          // fn() -> u32, asked once the settings are known;
///                                             // `Document as 1 => ...` for a second type name
///     commands: [Set, Get],                   // types with keyspan_common::command::Command
///     calls: [Search],                        // optional: types with keyspan_server::ServerCommand
///     settings: &SETTINGS,                    // &'static [&'static Setting]
///     info: figures,                          // optional: fn(&mut dyn FnMut(&str, Figure))
///     load: ready,                            // optional: fn(&LoadArguments) -> Result<(), String>
///     records: [Definitions],                 // optional: types with keyspan_common::record::Record
///     events: EVENTS,                         // optional: keyspan_server::Events
///     documents: Shared,                      // optional: keyspan_server::Documents
///     // optional: under this load argument records are skipped, and values kept as they are
///     foreign: "skip-search-aux" => [Indexes, Dictionaries], [Suggestions => encoding],
/// }
/// ```
#[macro_export]
macro_rules! module {
    (
        name: $name:expr,
        version: $version:expr,
        types: [$($value:ty $(as $type_index:literal)? => $encoding:expr),* $(,)?],
        commands: [$($command:ty),* $(,)?],
        $(calls: [$($call:ty),* $(,)?],)?
        settings: $settings:expr
        $(, info: $info:expr)?
        $(, load: $load:expr)?
        $(, records: [$($record:ty),* $(,)?])?
        $(, events: $events:expr)?
        $(, documents: $documents:ty)?
        $(, foreign: $flag:expr => [$($aux:ty),* $(,)?], [$($kept:ty => $kept_encoding:expr),* $(,)?])?
        $(,)?
    ) => {
        #[global_allocator]
        static SERVER_ALLOC: $crate::ServerAlloc = $crate::ServerAlloc;

        /// What the server is told.
        static MODULE: $crate::Module = $crate::Module {
            name: $name,
            version: $version,
            types: &[$(
                $crate::TypeEntry::of::<$value, { $crate::module!(@type_index $($type_index)?) }>(
                    $encoding
                )
            ),*],
            commands: &[
                $($crate::Entry::of::<$command>(),)*
                $($($crate::Entry::of_server::<$call>(),)*)?
            ],
            settings: $settings,
            info: $crate::module!(@optional $($info)?),
            load: $crate::module!(@optional $($load)?),
            records: &[$($($crate::RecordEntry::of::<$record>()),*)?],
            events: $crate::module!(@optional $($events)?),
            documents: $crate::module!(@optional $($crate::SharedDocuments::of::<$documents>())?),
            foreign: $crate::module!(@optional $($crate::Foreign {
                flag: $flag,
                skipped: &[$($crate::RecordEntry::skipped::<$aux>()),*],
                kept: &[$($crate::TypeEntry::of::<$kept, 0>($kept_encoding)),*],
            })?),
        };

        /// The entry point Redis looks for.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn RedisModule_OnLoad(
            ctx: *mut $crate::expansion::Ctx,
            argv: *mut *mut $crate::expansion::Word,
            argc: ::std::ffi::c_int,
        ) -> ::std::ffi::c_int {
            // SAFETY: the server's own call.
            unsafe { MODULE.on_load(ctx, argv, argc) }
        }

        /// The entry point Valkey looks for first.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn ValkeyModule_OnLoad(
            ctx: *mut $crate::expansion::Ctx,
            argv: *mut *mut $crate::expansion::Word,
            argc: ::std::ffi::c_int,
        ) -> ::std::ffi::c_int {
            // SAFETY: the server's own call.
            unsafe { MODULE.on_load(ctx, argv, argc) }
        }
    };
    (@type_index) => { 0 };
    (@type_index $type_index:literal) => { $type_index };
    (@optional) => { None };
    (@optional $some:expr) => { Some($some) };
}
