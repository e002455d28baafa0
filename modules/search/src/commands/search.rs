//! FT.SEARCH.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Keys, Row},
    reply::Reply,
    wire::Wire,
};
use keyspan_search_core::documents::SortValue;
use keyspan_search_core::engine::{self, Answer, Found, Values};
use keyspan_search_core::index::value::sort_value;
use keyspan_search_core::index::vector::Cancel;
use keyspan_search_core::plan::Hit;
use keyspan_search_core::query::{self, Node};
use keyspan_search_core::request::{Format, Request};
use keyspan_search_core::schema::{Field, Kind, Schema, Source};
use keyspan_server::{Call, Server, ServerCommand};

use super::{INDEX, QUERY, check_access, rest, row, word};
use crate::answer::{Added, Results};
use crate::document::Document;
use crate::error::Error;
use crate::follow::DATABASE;
use crate::lists::shaped;
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
        if let Some(outcome) = asked.at_once(call.server()) {
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
                let found = keyspan_server::between_forks(|| asked.find(&cancel, None));
                let outcome = found.and_then(|found| found.sorted(&Turns, &cancel, || 0));
                (asked, outcome.map(|(answer, _)| answer))
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

/// Documents whose values are read in the main thread at once; each takes a microsecond or two.
const FEW: u64 = 16;

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
        if request.format == Format::Expand && is_resp3 && schema.source != Source::Json {
            return Err(Error::Expand);
        }
        let query = request.query(&schema)?;
        entry.use_it();
        entry.searched.store(true, Relaxed);
        entry.dialects.fetch_or(1 << (request.dialect.clamp(1, 4) - 1), Relaxed);
        Ok(Self { entry, request, query, schema })
    }

    /// Whether results are sorted by values that only the documents have.
    pub(super) fn needs_documents(&self) -> bool {
        let field =
            self.request.order.as_ref().and_then(|order| self.schema.field(&order.property));
        field.is_some_and(|field| {
            let is_kept = field.sort_slot.is_some() || matches!(field.kind, Kind::Numeric);
            !is_kept || !field.is_indexed()
        })
    }

    /// The outcome, if other threads would hardly have begun by then. Not while vectors are moved, so
    /// that the main thread never waits for that.
    fn at_once(&self, server: &Server<'_>) -> Option<Result<Answer, query::Error>> {
        let is_many = || self.needs_documents() && self.entry.index.len() > FEW;
        if self.entry.settling.load(Relaxed) || is_many() {
            return None;
        }
        let limit_ns = settings::count(&INLINE_US) as f64 * 1000.0;
        let (request, cancel, values) = (self.request(), self.cancel(), Documents(server));
        work::with_scratch(|scratch| {
            self.entry.index.search_within(limit_ns, &request, scratch, &cancel, &values)
        })
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

    fn request(&self) -> engine::Request<'_> {
        engine::Request {
            query: &self.query,
            order: self.request.order.as_ref(),
            scoring: self.request.scoring(),
            limit: self.request.limit,
        }
    }

    /// Searches, but for an order that only documents know; with a `clock`, which tells nanoseconds,
    /// what was done is told too. Any thread.
    pub(super) fn find(
        &self,
        cancel: &Cancel,
        clock: Option<fn() -> u64>,
    ) -> Result<Found, query::Error> {
        work::with_scratch(|scratch| self.entry.index.find(&self.request(), scratch, cancel, clock))
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
        self.check(&answer)?;
        let results = Results::new(&self.entry, &self.request, &answer);
        if profile.is_some() {
            // valkey-search has no profiles: they are RediSearch's in either family.
            results.write(server, reply, profile);
        } else {
            shaped(reply, |reply| results.write(server, reply, None));
        }
        Ok(())
    }

    /// Whether it may be answered, though its time was up.
    fn check(&self, answer: &Answer) -> Result<(), Error> {
        let is_refused = answer.is_partial && ON_TIMEOUT.get() == 1;
        if is_refused { Err(Error::Timeout) } else { Ok(()) }
    }

    /// Writes the reply with a profile: behind it in RESP2, in it in RESP3.
    pub(super) fn answer_with(
        &self,
        answer: Answer,
        server: &Server<'_>,
        reply: &mut dyn Reply,
        profile: Added<'_>,
    ) -> Result<(), Error> {
        self.check(&answer)?;
        if !reply.is_resp3() {
            reply.array(2);
        }
        self.answer(Ok(answer), server, reply, Some(profile))
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

/// Values of documents for other threads than the main one: they read some while it waits, then let
/// it work as long.
pub(super) struct Turns;

/// How long the main thread waits at a time.
const TURN: Duration = Duration::from_micros(250);

impl Values for Turns {
    fn value(&self, key: &[u8], field: &Field) -> SortValue {
        let value = keyspan_server::in_turn(|server| Documents(server).value(key, field));
        value.unwrap_or(SortValue::Missing)
    }

    fn fill(&self, hits: &mut [Hit], field: &Field, cancel: &Cancel) {
        let mut left = hits.iter_mut();
        while left.len() > 0 && !cancel.is_raised() {
            let taken = keyspan_server::in_turn(|server| {
                let begin = Instant::now();
                for hit in left.by_ref() {
                    hit.sort_value = Documents(server).value(&hit.key, field);
                    if begin.elapsed() > TURN {
                        break;
                    }
                }
                begin.elapsed()
            });
            if !keyspan_server::is_main_thread() {
                thread::sleep(taken.unwrap_or(TURN));
            }
        }
    }
}
