//! FT.CREATE, FT.ALTER and FT.DROPINDEX, and what they were called before.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_search_core::expression::Expression;
use keyspan_search_core::schema::{self, Flags, Schema, Source};
use keyspan_server::{Call, Server, ServerCommand};

use super::{INDEX, rest, row, word};
use crate::error::Error;
use crate::follow::DATABASE;
use crate::registry::{self, Entry};
use crate::{scan, settings, work};

/// `FT.CREATE index ... SCHEMA field ...`
#[derive(Debug)]
pub struct Create;
/// `FT._CREATEIFNX`: as FT.CREATE, but an index that is there is no error.
#[derive(Debug)]
pub struct CreateIfNx;
/// `FT.ALTER index [SKIPINITIALSCAN] SCHEMA ADD field ...`
#[derive(Debug)]
pub struct Alter;
/// `FT._ALTERIFNX`: as FT.ALTER, but a field that is there is no error.
#[derive(Debug)]
pub struct AlterIfNx;
/// `FT.DROPINDEX index [DD]`
#[derive(Debug)]
pub struct DropIndex;
/// `FT._DROPINDEXIFX`: as FT.DROPINDEX, but no index is no error.
#[derive(Debug)]
pub struct DropIndexIfX;
/// `FT.DROP index [KEEPDOCS]`: its documents go too.
#[derive(Debug)]
pub struct Drop;

const SCHEMA: &[Argument] = &[
    Argument::new("field", ArgumentKind::String),
    Argument::new("alias", ArgumentKind::String).token("AS").optional(),
    Argument::new("type", ArgumentKind::OneOf).parts(&[
        Argument::new("tag", ArgumentKind::PureToken).token("TAG"),
        Argument::new("numeric", ArgumentKind::PureToken).token("NUMERIC"),
        Argument::new("geo", ArgumentKind::PureToken).token("GEO"),
        Argument::new("vector", ArgumentKind::PureToken).token("VECTOR"),
    ]),
    Argument::new("options", ArgumentKind::String).optional().multiple(),
];

const CREATE: &[Argument] = &[
    INDEX,
    Argument::new("data_type", ArgumentKind::OneOf).token("ON").optional().parts(&[
        Argument::new("hash", ArgumentKind::PureToken).token("HASH"),
        Argument::new("json", ArgumentKind::PureToken).token("JSON"),
    ]),
    Argument::new("prefix", ArgumentKind::Block).token("PREFIX").optional().parts(&[
        Argument::new("count", ArgumentKind::Integer),
        Argument::new("prefix", ArgumentKind::String).multiple(),
    ]),
    Argument::new("filter", ArgumentKind::String).token("FILTER").optional(),
    Argument::new("default_lang", ArgumentKind::String).token("LANGUAGE").optional(),
    Argument::new("lang_attribute", ArgumentKind::String).token("LANGUAGE_FIELD").optional(),
    Argument::new("default_score", ArgumentKind::Double).token("SCORE").optional(),
    Argument::new("score_attribute", ArgumentKind::String).token("SCORE_FIELD").optional(),
    Argument::new("payload_attribute", ArgumentKind::String).token("PAYLOAD_FIELD").optional(),
    Argument::new("seconds", ArgumentKind::Integer).token("TEMPORARY").optional(),
    Argument::new("stopwords", ArgumentKind::Block).token("STOPWORDS").optional().parts(&[
        Argument::new("count", ArgumentKind::Integer),
        Argument::new("stopword", ArgumentKind::String).optional().multiple(),
    ]),
    Argument::new("skipinitialscan", ArgumentKind::PureToken).token("SKIPINITIALSCAN").optional(),
    Argument::new("schema", ArgumentKind::PureToken).token("SCHEMA"),
    Argument::new("fields", ArgumentKind::Block).multiple().parts(SCHEMA),
];

const CREATE_ROW: Row = Row {
    summary: "Makes an index over hashes or JSON documents",
    complexity: "O(K) in the background, where K is the number of keys",
    arguments: CREATE,
    ..row("FT.CREATE", Arity::AtLeast(5), Access::Grow)
};

const ALTER: &[Argument] = &[
    INDEX,
    Argument::new("skipinitialscan", ArgumentKind::PureToken).token("SKIPINITIALSCAN").optional(),
    Argument::new("schema", ArgumentKind::PureToken).token("SCHEMA"),
    Argument::new("add", ArgumentKind::PureToken).token("ADD"),
    Argument::new("fields", ArgumentKind::Block).multiple().parts(SCHEMA),
];

const ALTER_ROW: Row = Row {
    summary: "Adds fields to an index",
    complexity: "O(K) in the background, where K is the number of keys",
    arguments: ALTER,
    ..row("FT.ALTER", Arity::AtLeast(5), Access::Grow)
};

const DROP_ROW: Row = Row {
    summary: "Deletes an index, and its documents if asked to",
    complexity: "O(1), or O(N) where N is the number of documents if they are deleted",
    since: "2.0.0",
    arguments: &[INDEX, Argument::new("dd", ArgumentKind::PureToken).token("DD").optional()],
    ..row("FT.DROPINDEX", Arity::AtLeast(2), Access::Shrink)
};

impl ServerCommand for Create {
    type Error = Error;
    const ROW: Row = CREATE_ROW;

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        create(call.server(), args, Self::ROW.name, false)?;
        reply.ok();
        Ok(())
    }
}

impl ServerCommand for CreateIfNx {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT._CREATEIFNX",
        summary: "Makes an index unless there is one of this name",
        since: "2.0.0",
        ..CREATE_ROW
    };

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        create(call.server(), args, Self::ROW.name, true)?;
        reply.ok();
        Ok(())
    }
}

fn create(
    server: &Server<'_>,
    mut args: Args<'_>,
    command: &'static str,
    may_exist: bool,
) -> Result<(), Error> {
    let name = word(&mut args, command)?;
    if registry::find(name).is_some() {
        return if may_exist { Ok(()) } else { Err(Error::Exists) };
    }
    let is_obeyed = server.is_replicated();
    let limits = settings::limits(is_obeyed);
    let schema = schema::Create::parse(&rest(args), &limits)?.schema;
    if !is_obeyed {
        check(server, &schema)?;
    }
    if schema.filter.as_deref().is_some_and(|text| Expression::parse(text).is_err()) {
        return Err(Error::Schema(schema::Error::Filter));
    }
    let skips = schema.flags.has(Flags::SKIP_SCAN);
    let entry = registry::add(name, schema).ok_or(Error::Exists)?;
    server.replicate();
    server.signal(name);
    watch(&entry, server);
    if !skips {
        scan::start(&entry, server);
    }
    Ok(())
}

/// What a new index needs of the server.
fn check(server: &Server<'_>, schema: &Schema) -> Result<(), Error> {
    let max = settings::count(&settings::MAX_INDEXES);
    if server.database() != DATABASE {
        Err(Error::Database)
    } else if schema.source == Source::Json && !keyspan_server::has_documents(server) {
        Err(Error::NoJson)
    } else if registry::count() as u64 >= max {
        Err(Error::TooMany(max))
    } else {
        Ok(())
    }
}

/// Drops a temporary index when it was not used for its time; a replica is told by its primary.
pub(crate) fn watch(entry: &Arc<Entry>, server: &Server<'_>) {
    let Some(limit_ms) = entry.index.schema().temporary_ms else { return };
    let entry = Arc::clone(entry);
    let delay_ms = u32::try_from(limit_ms.clamp(1, 60_000)).unwrap_or(60_000);
    server.after(delay_ms, move |server| {
        if entry.dropped.load(Relaxed) {
            return;
        }
        if entry.is_over() && !server.is_replica() {
            registry::remove(&entry.name);
            server.replicate_as("FT.DROPINDEX", &[&entry.name]);
            server.signal(&entry.name);
        } else {
            watch(&entry, server);
        }
    });
}

impl ServerCommand for Alter {
    type Error = Error;
    const ROW: Row = ALTER_ROW;

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        alter(call.server(), args, Self::ROW.name, false)?;
        reply.ok();
        Ok(())
    }
}

impl ServerCommand for AlterIfNx {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT._ALTERIFNX",
        summary: "Adds fields to an index unless they are there",
        since: "2.0.0",
        ..ALTER_ROW
    };

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        alter(call.server(), args, Self::ROW.name, true)?;
        reply.ok();
        Ok(())
    }
}

fn alter(
    server: &Server<'_>,
    mut args: Args<'_>,
    command: &'static str,
    may_exist: bool,
) -> Result<(), Error> {
    let entry = registry::find(word(&mut args, command)?).ok_or(Error::NoIndex)?;
    let limits = settings::limits(server.is_replicated());
    let parsed = schema::Alter::parse(&rest(args), &entry.index.schema(), &limits);
    let schema::Alter { schema, skip_scan } = match parsed {
        Err(schema::Error::Duplicate(_)) if may_exist => return Ok(()),
        parsed => parsed?,
    };
    entry.use_it();
    entry.index.alter(schema);
    server.replicate();
    server.signal(&entry.name);
    if !skip_scan {
        scan::start(&entry, server);
    }
    Ok(())
}

/// What becomes of the documents of a dropped index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Documents {
    Deleted,
    Kept,
}

impl ServerCommand for DropIndex {
    type Error = Error;
    const ROW: Row = DROP_ROW;

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let name = word(&mut args, Self::ROW.name)?;
        let documents = documents(args)?;
        if !drop_index(call.server(), name, documents) {
            return Err(Error::NoIndexToDrop);
        }
        reply.ok();
        Ok(())
    }
}

impl ServerCommand for DropIndexIfX {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT._DROPINDEXIFX",
        summary: "Deletes an index if there is one of this name",
        ..DROP_ROW
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let name = word(&mut args, Self::ROW.name)?;
        let documents = documents(args)?;
        drop_index(call.server(), name, documents);
        reply.ok();
        Ok(())
    }
}

impl ServerCommand for Drop {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT.DROP",
        summary: "Deletes an index and its documents; FT.DROPINDEX took its place",
        since: "1.0.0",
        arguments: &[
            INDEX,
            Argument::new("keepdocs", ArgumentKind::PureToken).token("KEEPDOCS").optional(),
        ],
        ..DROP_ROW
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let name = word(&mut args, Self::ROW.name)?;
        let keeps = args.take_keyword("KEEPDOCS");
        args.finish().map_err(|_| Error::Arity(Self::ROW.name))?;
        let documents = if keeps { Documents::Kept } else { Documents::Deleted };
        if !drop_index(call.server(), name, documents) {
            return Err(Error::NoIndexToDrop);
        }
        reply.ok();
        Ok(())
    }
}

/// The word behind the name. RediSearch's own replicas are told to keep what they have.
fn documents(mut args: Args<'_>) -> Result<Documents, Error> {
    let documents = if args.take_keyword("DD") {
        Documents::Deleted
    } else {
        args.take_keyword("_FORCEKEEPDOCS");
        Documents::Kept
    };
    match args.peek() {
        None => Ok(documents),
        Some(word) => Err(Error::Unknown(word.bytes.into())),
    }
}

/// Drops an index; false if there is none. Keys are deleted one by one for replicas, which need not
/// have the same documents at that moment.
fn drop_index(server: &Server<'_>, name: &[u8], documents: Documents) -> bool {
    let Some(entry) = registry::find(name) else { return false };
    registry::remove(&entry.name);
    server.replicate_as("FT.DROPINDEX", &[&entry.name]);
    server.signal(&entry.name);
    if documents == Documents::Deleted {
        server.in_database(DATABASE, |server| {
            entry.index.keys().iter().for_each(|key| server.delete(key));
        });
    }
    work::discard(entry);
    true
}
