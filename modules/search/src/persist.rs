//! Indexes beside the keys of RDB files.
//!
//! | record | when | what |
//! |---|---|---|
//! | `ft_index0` | before the keys | definitions, as RediSearch 2.10 writes and 2.0 to 8.8 are read |
//! | `KspGraphs` | behind the keys | graphs, so that vectors need not be linked again |
//! | `Vk-Search` | behind the keys | definitions of valkey-search: read only |
//! | `scdtype00` | both | dictionaries of RediSearch: passed over |
//!
//! Documents are not in them: each key is indexed as it is loaded, and those behind which a definition
//! stands by a scan. A graph that cannot be used is built again.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

use keyspan_common::rdb::payload::Strings;
use keyspan_common::rdb::search_aux::{Aux, Dictionaries};
use keyspan_common::rdb::{Encoding, Error, PayloadReader, PayloadWriter, Read, Value, Write};
use keyspan_common::record::Record;
use keyspan_search_core::expression::Expression;
use keyspan_search_core::schema::aux::{
    Definition, Definitions, VALKEY_TYPE_NAME, VALKEY_VERSION, VERSION, ValkeyDefinitions,
};
use keyspan_server::log::{self, Level};

use crate::follow::DATABASE;
use crate::registry;
use crate::settings::RDB_GRAPH;

/// The process this module was loaded in; another one is forked from it.
static PROCESS: OnceLock<u32> = OnceLock::new();

/// Notes the process.
pub(crate) fn remember_process() {
    PROCESS.get_or_init(std::process::id);
}

fn is_forked() -> bool {
    PROCESS.get().is_some_and(|process| *process != std::process::id())
}

/// Definitions, in RediSearch's record.
#[derive(Debug)]
pub(crate) struct Saved;

impl Record for Saved {
    const TYPE_NAME: &'static str = "ft_index0";
    const VERSION: u32 = VERSION;
    const BEFORE_KEYS: bool = true;

    fn load<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<(), Error> {
        if before_keys {
            let definitions = Definitions::load(reader, Encoding::from(version))?;
            definitions.0.into_iter().for_each(restore);
        }
        Ok(())
    }

    fn save<W: Write>(writer: &mut W, _before_keys: bool) {
        let definitions = registry::definitions();
        if !definitions.is_empty() || !keyspan_server::leaves_out_empty_records() {
            Definitions(definitions).save(writer, VERSION);
        }
    }
}

fn restore(definition: Definition) {
    let name = String::from_utf8_lossy(&definition.name).into_owned();
    let skipped = definition.schema.fields.iter().filter(|field| !field.is_served());
    let skipped: Vec<_> = skipped.map(|field| String::from_utf8_lossy(&field.name)).collect();
    if !skipped.is_empty() {
        let (fields, count) = (skipped.join(", "), skipped.len());
        let text = format!("index '{name}': {count} fields are of kinds not indexed yet: {fields}");
        log::line(Level::Warning, &text);
    }
    if definition.schema.filter.as_deref().is_some_and(|text| Expression::parse(text).is_err()) {
        let text = format!("index '{name}': its FILTER cannot be read, and all documents pass");
        log::line(Level::Warning, &text);
    }
    registry::restore(definition);
}

/// Graphs.
#[derive(Debug)]
pub(crate) struct Graphs;

/// Bytes of a string of a graph.
const CHUNK: usize = 1 << 20;

impl Record for Graphs {
    const TYPE_NAME: &'static str = "KspGraphs";
    const VERSION: u32 = 1;
    const AFTER_KEYS: bool = true;

    fn load<R: Read>(reader: &mut R, version: u32, _before_keys: bool) -> Result<(), Error> {
        if version != Self::VERSION {
            return Err(Error::Version);
        }
        for _ in 0..reader.unsigned()? {
            let name = reader.bytes()?;
            let graph = chunks(reader)?;
            load_graph(name.as_ref(), &graph);
        }
        Ok(())
    }

    fn save<W: Write>(writer: &mut W, _before_keys: bool) {
        let mut entries = registry::all();
        entries.retain(|entry| {
            RDB_GRAPH.get() == 1 && entry.index.schema().fields.iter().any(|f| f.vector().is_some())
        });
        if entries.is_empty() && keyspan_server::leaves_out_empty_records() {
            return;
        }
        writer.unsigned(entries.len() as u64);
        for entry in entries {
            let mut graph = PayloadWriter::new(Strings::Plain);
            entry.index.save(&mut graph, is_forked());
            let graph = graph.into_body();
            writer.bytes(&entry.name);
            writer.unsigned(graph.chunks(CHUNK).len() as u64);
            graph.chunks(CHUNK).for_each(|chunk| writer.bytes(chunk));
        }
    }
}

/// The bytes of a graph; as many as there are, whatever the record announces.
fn chunks<R: Read>(reader: &mut R) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for _ in 0..reader.unsigned()? {
        bytes.extend_from_slice(reader.bytes()?.as_ref());
    }
    Ok(bytes)
}

/// Gives the index its graph; a bad one is no loss but of time.
fn load_graph(name: &[u8], graph: &[u8]) {
    let Some(entry) = registry::named(name) else { return };
    let mut reader = PayloadReader::new(graph);
    if let Err(error) = entry.index.load(&mut reader) {
        let name = String::from_utf8_lossy(name);
        let text = format!("the graph of index '{name}' is built again: {error:?}");
        log::line(Level::Warning, &text);
    }
}

/// Definitions of valkey-search.
#[derive(Debug)]
pub(crate) struct OfValkey;

impl Record for OfValkey {
    const TYPE_NAME: &'static str = VALKEY_TYPE_NAME;
    const VERSION: u32 = VALKEY_VERSION;

    fn load<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<(), Error> {
        let definitions = ValkeyDefinitions::load(reader, Encoding::from(version))?;
        for (database, definition) in definitions.0 {
            let name = definition.name.clone();
            if i64::try_from(database) != Ok(i64::from(DATABASE)) {
                let name = String::from_utf8_lossy(&name);
                let text = format!("index '{name}' of database {database} is left out");
                log::line(Level::Warning, &text);
                continue;
            }
            restore(definition);
            if let Some(entry) = registry::named(&name).filter(|_| !before_keys) {
                entry.is_behind.store(true, Relaxed);
            }
        }
        Ok(())
    }
}

/// Dictionaries of RediSearch.
#[derive(Debug)]
pub(crate) struct Passed;

impl Record for Passed {
    const TYPE_NAME: &'static str = Dictionaries::TYPE_NAME;
    const VERSION: u32 = <Dictionaries as Aux>::VERSION;

    fn load<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<(), Error> {
        let count = Dictionaries::skip(reader, version, before_keys)?;
        if count > 0 {
            log::line(Level::Warning, &format!("{count} dictionaries are left out"));
        }
        Ok(())
    }
}
