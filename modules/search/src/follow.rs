//! What happens to keys becomes documents that come, change and go.
//!
//! An event says that something changed; what the key holds now is looked up. So it matters little
//! which command it was, and a command that no one here has heard of is followed too.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use keyspan_search_core::expression::{Properties, Value};
use keyspan_search_core::schema::Schema;
use keyspan_server::{Events, Loading, Server};

use crate::commands::define;
use crate::document::Document;
use crate::registry::{self, Entry, lock};
use crate::{scan, work};

/// What the server is to tell.
pub(crate) const EVENTS: Events = Events { key, flush, swap, load };

/// The database whose keys are documents, as in RediSearch.
pub(crate) const DATABASE: i32 = 0;

/// The source of a RENAME whose target is about to be told.
static RENAMED: Mutex<Option<Box<[u8]>>> = Mutex::new(None);

/// An event of a key.
fn key(server: &Server<'_>, event: &[u8], key: &[u8]) {
    if registry::count() == 0 || server.database() != DATABASE {
        return;
    }
    match event {
        // What a key holds stays as it is.
        b"expire" | b"persist" | b"keymiss" | b"new" => (),
        b"rename_from" => *lock(&RENAMED) = Some(key.into()),
        b"rename_to" => {
            let from = lock(&RENAMED).take();
            renamed(server, from.as_deref().unwrap_or(key), key);
        }
        _ => changed(server, key),
    }
}

fn changed(server: &Server<'_>, key: &[u8]) {
    for entry in registry::covering(&[key]) {
        read(&entry, server, key);
        told(&entry, server);
    }
}

fn renamed(server: &Server<'_>, from: &[u8], to: &[u8]) {
    for entry in registry::covering(&[from, to]) {
        match (entry.covers(from), entry.covers(to)) {
            // A filter may ask for the name.
            (true, true) if entry.filter.is_none() && entry.index.contains(from) => {
                entry.index.rename(from, to);
            }
            (true, false) => entry.index.remove(from),
            (true, true) => {
                entry.index.remove(from);
                read(&entry, server, to);
            }
            (false, _) => read(&entry, server, to),
        }
        told(&entry, server);
    }
}

/// Puts what the key holds into the index, or takes the document out.
pub(crate) fn read(entry: &Entry, server: &Server<'_>, key: &[u8]) {
    let begin = Instant::now();
    let open = server.open(key);
    let source = entry.index.schema().source;
    match open.as_ref().and_then(|open| Document::of(open, source)) {
        // Why it is left out is counted, and shown by FT.INFO.
        Some(document) if passes(entry, key, &document) => drop(entry.index.put(key, &document)),
        Some(_) | None => entry.index.remove(key),
    }
    let us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
    entry.indexing_us.fetch_add(us, Relaxed);
}

/// Whether the document meets the index's FILTER.
fn passes(entry: &Entry, key: &[u8], document: &Document<'_>) -> bool {
    let Some(filter) = &entry.filter else { return true };
    filter.holds(&Filtered { key, document, schema: &entry.index.schema() })
}

/// What a FILTER asks of.
struct Filtered<'a> {
    key: &'a [u8],
    document: &'a Document<'a>,
    schema: &'a Schema,
}

impl Properties for Filtered<'_> {
    fn property(&self, name: &[u8]) -> Option<Value> {
        if name == b"__key" {
            return Some(Value::Text(self.key.into()));
        }
        let identifier = self.schema.field(name).map_or(name, |field| field.identifier());
        self.document.text(identifier, false).map(Value::Text)
    }
}

/// Has the change settled, and tells clients that track the index; once until it is searched again.
fn told(entry: &Arc<Entry>, server: &Server<'_>) {
    work::settle(entry);
    if entry.searched.swap(false, Relaxed) {
        server.signal(&entry.name);
    }
}

/// Indexes go with the keys, as in RediSearch.
fn flush(server: &Server<'_>, database: Option<i32>) {
    if database.is_some_and(|number| number != DATABASE) {
        return;
    }
    for entry in registry::clear() {
        server.signal(&entry.name);
        work::discard(entry);
    }
}

fn swap(server: &Server<'_>, one: i32, other: i32) {
    if one != DATABASE && other != DATABASE || one == other {
        return;
    }
    registry::renew().into_iter().for_each(work::discard);
    for entry in registry::all() {
        server.signal(&entry.name);
        scan::start(&entry, server);
    }
}

fn load(server: &Server<'_>, step: Loading) {
    work::set_loading(step == Loading::Begun);
    if step == Loading::Begun {
        return;
    }
    for entry in registry::all() {
        define::watch(&entry, server);
        if entry.is_behind.swap(false, Relaxed) {
            scan::start(&entry, server);
        }
        work::settle(&entry);
    }
}
