//! FT._LIST and FT.INFO.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use keyspan_common::{
    args::Args,
    command::{Access, Arity, Row},
    reply::Reply,
};
use keyspan_search_core::engine::{self, Errors, FieldInfo};
use keyspan_search_core::schema::{Field, Flags, Item, Schema, language_name};
use keyspan_server::{Call, Server, ServerCommand};

use super::{INDEX, row, word};
use crate::error::Error;
use crate::lists::shaped;
use crate::registry::{self, Entry, lock};
use crate::settings::{self, WORKERS};

/// `FT._LIST`
#[derive(Debug)]
pub struct List;
/// `FT.INFO index`
#[derive(Debug)]
pub struct Info;

impl ServerCommand for List {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Lists the names of all indexes",
        complexity: "O(I) where I is the number of indexes",
        since: "2.0.0",
        ..row("FT._LIST", Arity::Exactly(1), Access::Read)
    };

    fn run(_: &mut Call<'_>, _: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let all = registry::all();
        shaped(reply, |reply| {
            reply.set(all.len());
            all.iter().for_each(|entry| reply.line(&entry.name));
        });
        Ok(())
    }
}

impl ServerCommand for Info {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Tells what an index declares, how much is in it and what was left out",
        complexity: "O(N) where N is the number of documents",
        arguments: &[INDEX],
        ..row("FT.INFO", Arity::AtLeast(2), Access::Read)
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let entry = registry::find(word(&mut args, Self::ROW.name)?).ok_or(Error::NoIndex)?;
        entry.use_it();
        let index = &entry.index;
        // What it tells is true now, whoever searches.
        if index.backlog() == 0 && index.len() < FEW {
            let info = index.info_now();
            tell(&entry, info, call.server(), reply);
            return Ok(());
        }
        keyspan_server::set_threads(settings::size(&WORKERS));
        call.spawn(
            reply,
            || (),
            move || {
                let info = keyspan_server::between_forks(|| entry.index.info());
                (entry, info)
            },
            |(entry, info), server, reply| tell(&entry, info, server, reply),
        );
        Ok(())
    }
}

/// So many documents are counted in the main thread.
const FEW: u64 = 4096;

fn tell(entry: &Arc<Entry>, info: engine::Info, server: &Server<'_>, reply: &mut dyn Reply) {
    let is_node = server.is_cluster();
    shaped(reply, |reply| Page { entry, info, is_node, reply }.write());
}

/// A reply that is being written.
struct Page<'a> {
    entry: &'a Arc<Entry>,
    info: engine::Info,
    /// Whether the server is a node of a cluster and knows its own keys only.
    is_node: bool,
    reply: &'a mut dyn Reply,
}

/// Pairs of FT.INFO that are always there.
const PAIRS: usize = 34;
/// Bytes in the unit of the sizes.
const MB: f64 = 1_048_576.0;
/// Cursors that RediSearch allows an index; there are none here.
const CURSORS: i64 = 128;

impl Page<'_> {
    fn write(mut self) {
        let schema = self.entry.index.schema();
        let pairs = PAIRS + usize::from(schema.stopwords.is_some()) + usize::from(self.is_node);
        self.reply.map(pairs);
        self.text("index_name", &self.entry.name.clone());
        self.options(&schema);
        self.definition(&schema);
        self.attributes(&schema);
        self.sizes();
        self.progress();
        self.garbage();
        self.dialects();
        if let Some(stopwords) = &schema.stopwords {
            self.reply.simple("stopwords_list");
            self.reply.array(stopwords.len());
            stopwords.iter().for_each(|word| self.reply.bulk(word));
        }
        self.errors();
        self.fields(&schema);
        if self.is_node {
            self.text("scope", b"keys of this node");
        }
    }

    fn text(&mut self, name: &'static str, value: &[u8]) {
        self.reply.simple(name);
        self.reply.line(value);
    }

    fn count(&mut self, name: &'static str, value: u64) {
        self.reply.simple(name);
        self.reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn number(&mut self, name: &'static str, value: f64) {
        self.reply.simple(name);
        self.reply.double(value);
    }

    fn size(&mut self, name: &'static str, bytes: u64) {
        self.number(name, bytes as f64 / MB);
    }

    fn options(&mut self, schema: &Schema) {
        let lacks = |flag| !schema.flags.has(flag);
        let options = [
            (lacks(Flags::FREQUENCIES), "NOFREQS"),
            (lacks(Flags::FIELDS), "NOFIELDS"),
            (lacks(Flags::OFFSETS) && lacks(Flags::BYTE_OFFSETS), "NOOFFSETS"),
            (lacks(Flags::BYTE_OFFSETS), "NOHL"),
            (schema.flags.has(Flags::WIDE), "MAXTEXTFIELDS"),
        ];
        let set: Vec<&str> = options.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        self.reply.simple("index_options");
        self.reply.array(set.len());
        set.iter().for_each(|name| self.reply.line(name.as_bytes()));
    }

    fn definition(&mut self, schema: &Schema) {
        let language = language_name(schema.language).filter(|_| schema.language != 0);
        let before = [
            ("filter", schema.filter.as_deref()),
            ("default_language", language.map(str::as_bytes)),
            ("language_field", schema.language_field.as_deref()),
        ];
        let behind = [
            ("score_field", schema.score_field.as_deref()),
            ("payload_field", schema.payload_field.as_deref()),
        ];
        let all = before.iter().chain(&behind);
        let given = all.filter(|(_, value)| value.is_some()).count();
        self.reply.simple("index_definition");
        self.reply.map(3 + given + usize::from(schema.index_all));
        self.text("key_type", schema.source.name().as_bytes());
        self.reply.simple("prefixes");
        self.reply.array(schema.prefixes.len());
        schema.prefixes.iter().for_each(|prefix| self.reply.line(prefix));
        self.given(&before);
        self.number("default_score", schema.score);
        self.given(&behind);
        if schema.index_all {
            self.text("indexes_all", b"true");
        }
    }

    fn given(&mut self, pairs: &[(&'static str, Option<&[u8]>)]) {
        for (name, value) in pairs {
            if let Some(value) = value {
                self.text(name, value);
            }
        }
    }

    fn attributes(&mut self, schema: &Schema) {
        self.reply.simple("attributes");
        self.reply.array(schema.fields.len());
        schema.fields.iter().for_each(|field| self.attribute(field));
    }

    /// In RESP2 the flags stand behind the pairs, in RESP3 they are a list of their own.
    fn attribute(&mut self, field: &Field) {
        let mut items = field.info();
        if !field.is_served() {
            items.push(Item::Flag("SKIPPED"));
        }
        let flags = items.iter().filter(|item| matches!(item, Item::Flag(_))).count();
        let pairs = items.len() - flags;
        let is_resp3 = self.reply.is_resp3();
        if is_resp3 {
            self.reply.map(pairs + 1);
        } else {
            self.reply.array(pairs * 2 + flags);
        }
        for (place, item) in items.iter().enumerate() {
            if is_resp3 && place == pairs {
                self.flags(flags);
            }
            match item {
                Item::Text(name, value) => self.text(name, value),
                Item::Number(name, value) => self.count(name, *value),
                Item::Double(name, value) => self.number(name, *value),
                Item::Flag(name) => self.reply.line(name.as_bytes()),
            }
        }
        if is_resp3 && flags == 0 {
            self.flags(0);
        }
    }

    fn flags(&mut self, count: usize) {
        self.reply.simple("flags");
        self.reply.array(count);
    }

    fn sizes(&mut self) {
        let info = self.info.clone();
        let documents = info.documents as f64;
        self.count("num_docs", info.documents);
        self.count("max_doc_id", info.last_sequence);
        self.count("num_terms", 0);
        self.count("num_records", info.records);
        self.size("inverted_sz_mb", info.inverted_memory);
        self.size("vector_index_sz_mb", info.vector_memory);
        self.count("total_inverted_index_blocks", info.lists);
        self.size("offset_vectors_sz_mb", 0);
        self.size("doc_table_size_mb", info.documents_memory);
        self.size("sortable_values_size_mb", info.sortables_memory);
        self.size("key_table_size_mb", info.keys_memory);
        self.size("tag_overhead_sz_mb", info.tag_memory);
        self.size("text_overhead_sz_mb", 0);
        self.size("total_index_memory_sz_mb", info.memory);
        self.size("geoshapes_sz_mb", 0);
        self.number("records_per_doc_avg", info.records as f64 / documents);
        self.number("bytes_per_record_avg", info.inverted_memory as f64 / info.records as f64);
        self.number("offsets_per_term_avg", 0.0);
        self.number("offset_bits_per_record_avg", f64::NAN);
    }

    fn progress(&mut self) {
        let (is_running, share) = {
            let progress = lock(&self.entry.scan);
            (progress.is_running(), progress.share())
        };
        let taken_us = self.entry.indexing_us.load(Relaxed) as f64;
        self.count("hash_indexing_failures", self.info.errors.count);
        self.number("total_indexing_time", taken_us / 1000.0);
        // Vectors that wait are found, but not as fast as they will be.
        self.count("indexing", u64::from(is_running || self.info.backlog > 0));
        self.number("percent_indexed", share.min(self.info.settled()));
        self.count("number_of_uses", self.entry.uses.load(Relaxed));
        self.count("cleaning", 0);
    }

    /// There is no collector: what is deleted is taken out at once, or from graphs soon after.
    fn garbage(&mut self) {
        self.reply.simple("gc_stats");
        self.reply.map(7);
        self.number("bytes_collected", 0.0);
        self.number("total_ms_run", 0.0);
        self.number("total_cycles", 0.0);
        self.number("average_cycle_time_ms", f64::NAN);
        self.number("last_run_time_ms", 0.0);
        self.number("gc_numeric_trees_missed", 0.0);
        self.number("gc_blocks_denied", 0.0);
        self.reply.simple("cursor_stats");
        self.reply.map(4);
        for (name, value) in [
            ("global_idle", 0),
            ("global_total", 0),
            ("index_capacity", CURSORS),
            ("index_total", 0),
        ] {
            self.reply.simple(name);
            self.reply.integer(value);
        }
    }

    fn dialects(&mut self) {
        let used = self.entry.dialects.load(Relaxed);
        self.reply.simple("dialect_stats");
        self.reply.map(4);
        for (place, name) in ["dialect_1", "dialect_2", "dialect_3", "dialect_4"].iter().enumerate()
        {
            self.count(name, u64::from(used >> place & 1));
        }
    }

    fn errors(&mut self) {
        let errors = self.info.errors.clone();
        self.reply.simple("Index Errors");
        self.reply.map(4);
        self.errors_of(&errors);
        self.text("background indexing status", b"OK");
    }

    fn errors_of(&mut self, errors: &Errors) {
        self.count("indexing failures", errors.count);
        self.text("last indexing error", errors.last.as_deref().unwrap_or("N/A").as_bytes());
        self.reply.simple("last indexing error key");
        self.reply.bulk(errors.key.as_deref().unwrap_or(b"N/A"));
    }

    fn fields(&mut self, schema: &Schema) {
        let none = FieldInfo::default();
        let info = std::mem::take(&mut self.info.fields);
        self.reply.simple("field statistics");
        self.reply.array(schema.fields.len());
        for (field, info) in schema.fields.iter().zip(info.iter().chain(std::iter::repeat(&none))) {
            self.reply.map(3);
            self.text("identifier", field.identifier());
            self.text("attribute", &field.name);
            self.reply.simple("Index Errors");
            self.reply.map(3);
            self.errors_of(&info.errors);
        }
    }
}
