//! FT.SEARCH.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Keys, Row},
    reply::Reply,
    wire::Wire,
};
use keyspan_search_core::documents::SortValue;
use keyspan_search_core::engine::{self, Answer, Values};
use keyspan_search_core::index::value::sort_value;
use keyspan_search_core::index::vector::Cancel;
use keyspan_search_core::query::{self, Node};
use keyspan_search_core::request::{Format, Request};
use keyspan_search_core::schema::{Field, Kind, Schema, Source};
use keyspan_server::{Call, Server, ServerCommand};

use super::{INDEX, QUERY, check_access, cost, rest, row, word};
use crate::answer::{Added, Results};
use crate::document::Document;
use crate::error::Error;
use crate::follow::DATABASE;
use crate::registry::{self, Entry};
use crate::settings::{self, INLINE_US, ON_TIMEOUT, TIMEOUT, WORKERS};
use crate::work;

/// `FT.SEARCH index query ...`
#[derive(Debug)]
pub struct Search;

const STRING: ArgumentKind = ArgumentKind::String;
const INTEGER: ArgumentKind = ArgumentKind::Integer;

const fn switch(name: &'static str, token: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::PureToken).token(token).optional()
}

pub(super) const ARGUMENTS: &[Argument] = &[
    INDEX,
    QUERY,
    switch("nocontent", "NOCONTENT"),
    switch("withscores", "WITHSCORES"),
    switch("withsortkeys", "WITHSORTKEYS"),
    Argument::new("filter", ArgumentKind::Block).token("FILTER").optional().multiple().parts(&[
        Argument::new("numeric_field", STRING),
        Argument::new("min", STRING),
        Argument::new("max", STRING),
    ]),
    Argument::new("geo_filter", ArgumentKind::Block)
        .token("GEOFILTER")
        .optional()
        .multiple()
        .parts(&[
            Argument::new("geo_field", STRING),
            Argument::new("lon", ArgumentKind::Double),
            Argument::new("lat", ArgumentKind::Double),
            Argument::new("radius", ArgumentKind::Double),
            Argument::new("unit", STRING),
        ]),
    Argument::new("in_keys", ArgumentKind::Block)
        .token("INKEYS")
        .optional()
        .parts(&[Argument::new("count", INTEGER), Argument::new("key", STRING).multiple()]),
    Argument::new("return", ArgumentKind::Block).token("RETURN").optional().parts(&[
        Argument::new("count", INTEGER),
        Argument::new("identifier", STRING),
        Argument::new("property", STRING).token("AS").optional(),
    ]),
    Argument::new("timeout", INTEGER).token("TIMEOUT").optional(),
    Argument::new("sortby", ArgumentKind::Block).token("SORTBY").optional().parts(&[
        Argument::new("sortby", STRING),
        Argument::new("order", ArgumentKind::OneOf).optional().parts(&[
            Argument::new("asc", ArgumentKind::PureToken).token("ASC"),
            Argument::new("desc", ArgumentKind::PureToken).token("DESC"),
        ]),
    ]),
    Argument::new("limit", ArgumentKind::Block)
        .token("LIMIT")
        .optional()
        .parts(&[Argument::new("offset", INTEGER), Argument::new("num", INTEGER)]),
    Argument::new("params", ArgumentKind::Block).token("PARAMS").optional().parts(&[
        Argument::new("nargs", INTEGER),
        Argument::new("values", ArgumentKind::Block)
            .multiple()
            .parts(&[Argument::new("name", STRING), Argument::new("value", STRING)]),
    ]),
    Argument::new("dialect", INTEGER).token("DIALECT").optional(),
];

impl ServerCommand for Search {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Finds documents by a query, sorts them and answers with their fields",
        complexity: "O(M log M) where M is the number of matches; vectors as their index does",
        keys: Keys::Tracked,
        arguments: ARGUMENTS,
        ..row("FT.SEARCH", Arity::AtLeast(2), Access::Read)
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let name = word(&mut args, Self::ROW.name)?;
        let entry = registry::find(name).ok_or_else(|| Error::NoIndexToSearch(name.into()))?;
        let asked = Asked::read(entry, &rest(args), call.server(), reply.is_resp3())?;
        if asked.needs_documents() || asked.is_quick() {
            let outcome = asked.run(&asked.cancel(), &Documents(call.server()));
            return asked.answer(outcome, call.server(), reply, None);
        }
        keyspan_server::set_threads(settings::size(&WORKERS));
        let cancel = Arc::new(asked.cancel());
        let gone = Arc::clone(&cancel);
        call.spawn(
            reply,
            move || gone.raise(),
            move || {
                // It makes what is queued before it reads.
                let outcome = keyspan_server::between_forks(|| asked.run(&cancel, &Nowhere));
                (asked, outcome)
            },
            |(asked, outcome), server, reply| {
                if let Err(error) = asked.answer(outcome, server, reply, None) {
                    reply.error(&error.wire());
                }
            },
        );
        Ok(())
    }
}

/// A search that was read.
pub(super) struct Asked {
    pub(super) entry: Arc<Entry>,
    pub(super) request: Request,
    pub(super) query: Node,
    schema: Arc<Schema>,
}

impl Asked {
    /// Reads the words behind the index, and checks what the user may.
    pub(super) fn read(
        entry: Arc<Entry>,
        words: &[&[u8]],
        server: &Server<'_>,
        is_resp3: bool,
    ) -> Result<Self, Error> {
        check_access(server, &entry)?;
        let request = Request::parse(words, &settings::request_defaults())?;
        let schema = entry.index.schema();
        // In RESP2 it means nothing, as in RediSearch.
        if request.format == Format::Expand && is_resp3 {
            let is_json = schema.source == Source::Json;
            return Err(if is_json { Error::ExpandJson } else { Error::Expand });
        }
        let query = request.query(&schema)?;
        entry.use_it();
        entry.searched.store(true, Relaxed);
        entry.dialects.fetch_or(1 << (request.dialect.clamp(1, 4) - 1), Relaxed);
        Ok(Self { entry, request, query, schema })
    }

    /// Whether results are sorted by values that only the documents have: those are read in the main
    /// thread.
    pub(super) fn needs_documents(&self) -> bool {
        let field =
            self.request.order.as_ref().and_then(|order| self.schema.field(&order.property));
        field.is_some_and(|field| {
            let is_kept = field.sort_slot.is_some() || matches!(field.kind, Kind::Numeric);
            !is_kept || !field.is_indexed()
        })
    }

    /// Whether the search is over before another thread had begun it. Not while vectors are moved, so
    /// that the main thread never waits for that.
    fn is_quick(&self) -> bool {
        let limit_ns = settings::count(&INLINE_US) as f64 * 1000.0;
        if self.entry.settling.load(Relaxed) || self.entry.index.backlog() > 0 {
            return false;
        }
        cost::estimate(&self.query, &self.schema, self.entry.index.len()) < limit_ns
    }

    /// What ends the search early.
    pub(super) fn cancel(&self) -> Cancel {
        let limit_ms = self.request.timeout_ms.unwrap_or_else(|| settings::count(&TIMEOUT));
        if limit_ms == 0 {
            Cancel::new()
        } else {
            Cancel::at(clock, clock().saturating_add(limit_ms))
        }
    }

    /// Searches. Any thread.
    pub(super) fn run(
        &self,
        cancel: &Cancel,
        values: &impl Values,
    ) -> Result<Answer, query::Error> {
        let request = engine::Request {
            query: &self.query,
            order: self.request.order.as_ref(),
            scoring: self.request.scoring(),
            limit: self.request.limit,
        };
        work::with_scratch(|scratch| self.entry.index.search(&request, scratch, cancel, values))
    }

    /// Writes the reply, with what a profile adds to it, or says why there is none.
    pub(super) fn answer(
        &self,
        outcome: Result<Answer, query::Error>,
        server: &Server<'_>,
        reply: &mut dyn Reply,
        profile: Option<Added<'_>>,
    ) -> Result<(), Error> {
        let answer = outcome?;
        if answer.is_partial && ON_TIMEOUT.get() == 1 {
            return Err(Error::Timeout);
        }
        Results::new(&self.entry, &self.request, &answer).write(server, reply, profile);
        Ok(())
    }
}

/// Milliseconds since the first look.
fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let elapsed: Duration = START.elapsed();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Values of documents, from the keys.
pub(super) struct Documents<'a>(pub(super) &'a Server<'a>);

impl Values for Documents<'_> {
    fn value(&self, key: &[u8], field: &Field) -> SortValue {
        self.0.in_database(DATABASE, |server| {
            let Some(open) = server.open(key) else { return SortValue::Missing };
            let text = [Source::Hash, Source::Json]
                .into_iter()
                .find_map(|source| Document::of(&open, source))
                .and_then(|document| document.text(field.identifier(), false));
            sort_value(field, text.as_deref())
        })
    }
}

/// Where no document can be read: nothing asks, see [`Asked::needs_documents`].
struct Nowhere;

impl Values for Nowhere {
    fn value(&self, _: &[u8], _: &Field) -> SortValue {
        SortValue::Missing
    }
}
