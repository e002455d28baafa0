//! What happens to keys: the registry follows, and so do the rules that name a key which was renamed.
//!
//! An event says that something changed; what the key holds now is looked up. The module's own events
//! need no look: its commands say what they do. A rule whose other side is gone is found out when it is
//! used ([`crate::compaction`]).

use std::sync::{Mutex, PoisonError};

use keyspan_server::{Events, Loading, Server};
use keyspan_timeseries_core::series::Series;

use crate::registry;

/// What the server is to tell.
pub(crate) const EVENTS: Events = Events { key, flush, swap, load, rewrite: |_| () };

/// The source of a RENAME whose target is about to be told.
static RENAMED: Mutex<Option<Box<[u8]>>> = Mutex::new(None);

fn renamed_from() -> std::sync::MutexGuard<'static, Option<Box<[u8]>>> {
    RENAMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event of a key.
fn key(server: &Server<'_>, event: &[u8], key: &[u8]) {
    match event {
        // What a key holds stays as it is.
        b"expire" | b"persist" | b"keymiss" | b"new" => (),
        b"loaded" => arrived(server, key, true),
        // In the AOF a series stands with its rules, and so it does where servers move slots by
        // themselves; from a client it comes without.
        b"restore" => arrived(server, key, server.is_loading() || server.is_cluster()),
        b"copy_to" | b"move_to" => arrived(server, key, false),
        b"rename_from" => {
            registry::remove(server.database(), key);
            *renamed_from() = Some(key.into());
        }
        b"rename_to" => {
            let from = renamed_from().take();
            arrived(server, key, true);
            if let Some(from) = from {
                relink(server, &from, key);
            }
        }
        _ if event.starts_with(b"ts.") => (),
        _ => gone(server, key),
    }
}

/// A key was made or replaced in a way that no command of this module does.
fn arrived(server: &Server<'_>, key: &[u8], keeps_rules: bool) {
    let labels = server.with_value(key, |series: &mut Series| {
        if series.name() != key {
            series.rename(key);
        }
        if !keeps_rules {
            series.detach();
        }
        series.labels().to_vec()
    });
    match labels {
        Some(labels) => registry::put(server.database(), key, &labels),
        None => registry::remove(server.database(), key),
    }
}

/// A key of a series may hold something else now, or nothing.
fn gone(server: &Server<'_>, key: &[u8]) {
    if registry::contains(server.database(), key) {
        arrived(server, key, true);
    }
}

/// Tells the other sides of a series' rules that it has another key.
fn relink(server: &Server<'_>, from: &[u8], to: &[u8]) {
    let links = server.with_value(to, |series: &mut Series| {
        let destinations = series.rules().iter().map(|rule| rule.destination().into());
        (series.source().map(Box::from), destinations.collect::<Vec<Box<[u8]>>>())
    });
    let Some((source, destinations)): Option<(Option<Box<[u8]>>, _)> = links else { return };
    if let Some(source) = source {
        server.with_value(&source, |series: &mut Series| series.rename_destination(from, to));
    }
    for destination in destinations {
        server.with_value(&destination, |series: &mut Series| {
            if series.source() == Some(from) {
                series.set_source(Some(to));
            }
        });
    }
}

fn flush(_: &Server<'_>, database: Option<i32>) {
    free(registry::clear(database));
}

fn swap(_: &Server<'_>, one: i32, other: i32) {
    registry::swap(one, other);
}

fn load(_: &Server<'_>, step: Loading) {
    if step == Loading::Failed {
        free(registry::clear(None));
    }
}

/// A large index takes a while to free.
fn free<T: Send + 'static>(indexes: Vec<T>) {
    keyspan_server::in_background(move || drop(indexes));
}
