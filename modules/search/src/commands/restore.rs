//! FT._RESTOREIFNX: an index as a rewritten append-only file defines it.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    rdb::{Encoding, PayloadReader, PayloadWriter, Value, payload::Strings},
    reply::Reply,
};
use keyspan_search_core::schema::aux::{
    Addition, Additions, Definition, Definitions, OWN_VERSION, VERSION,
};
use keyspan_server::{Call, Server, ServerCommand};

use super::{define, row, word};
use crate::error::Error;
use crate::{registry, scan};

/// `FT._RESTOREIFNX definition additions`: the bodies of the records `ft_index0` and `KspFields`.
#[derive(Debug)]
pub struct RestoreIfNx;

impl ServerCommand for RestoreIfNx {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Makes an index as a rewritten append-only file defines it, unless it is there",
        complexity: "O(1), and reads all keys in the background",
        arguments: &[
            Argument::new("definition", ArgumentKind::String),
            Argument::new("additions", ArgumentKind::String),
        ],
        ..row("FT._RESTOREIFNX", Arity::Exactly(3), Access::Grow)
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let server = call.server();
        if !server.is_replicated() {
            return Err(Error::RestoreByUser);
        }
        let definitions = word(&mut args, Self::ROW.name)?;
        let additions = word(&mut args, Self::ROW.name)?;
        let Definitions(definitions) = read(definitions, VERSION)?;
        let Additions(additions) = read(additions, OWN_VERSION)?;
        definitions.into_iter().for_each(|definition| restore(server, definition, &additions));
        server.replicate();
        reply.ok();
        Ok(())
    }
}

fn read<T: Value>(body: &[u8], version: u32) -> Result<T, Error> {
    let mut reader = PayloadReader::new(body);
    let value = T::load(&mut reader, Encoding::from(version)).map_err(|_| Error::Restore)?;
    reader.finish().map(|()| value).map_err(|_| Error::Restore)
}

fn written<T: Value>(value: &T, version: u32) -> Vec<u8> {
    let mut writer = PayloadWriter::new(Strings::Plain);
    value.save(&mut writer, version);
    writer.into_body()
}

fn restore(server: &Server<'_>, definition: Definition, additions: &[Addition]) {
    let name = definition.name.clone();
    if registry::named(&name).is_some() {
        return;
    }
    registry::restore(definition);
    for addition in additions.iter().filter(|addition| addition.name == name) {
        // What may not be said of it is left out.
        let _ = registry::complete(addition);
    }
    if let Some(entry) = registry::named(&name) {
        define::watch(&entry, server);
        scan::start(&entry, server);
    }
}

/// Hands the definition to replicas and the append-only file.
pub(crate) fn replicate(server: &Server<'_>, definition: Definition) {
    let additions = Additions(Addition::of(&definition).into_iter().collect());
    let definition = written(&Definitions(vec![definition]), VERSION);
    let additions = written(&additions, OWN_VERSION);
    server.replicate_as("FT._RESTOREIFNX", &[&definition, &additions]);
}
