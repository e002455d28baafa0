//! Other names of indexes.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_server::{Call, Server, ServerCommand};

use super::{INDEX, row, word};
use crate::error::Error;
use crate::registry::{self, Aliased};

/// `FT.ALIASADD alias index`
#[derive(Debug)]
pub struct AliasAdd;
/// `FT._ALIASADDIFNX`: as FT.ALIASADD, but an alias that is there is no error.
#[derive(Debug)]
pub struct AliasAddIfNx;
/// `FT.ALIASUPDATE alias index`
#[derive(Debug)]
pub struct AliasUpdate;
/// `FT.ALIASDEL alias`
#[derive(Debug)]
pub struct AliasDel;
/// `FT._ALIASDELIFX`: as FT.ALIASDEL, but no alias is no error.
#[derive(Debug)]
pub struct AliasDelIfX;
/// `FT.ALIASLIST index`
#[derive(Debug)]
pub struct AliasList;

const ALIAS: Argument = Argument::new("alias", ArgumentKind::String);

const ADD_ROW: Row = Row {
    summary: "Gives an index another name",
    arguments: &[ALIAS, INDEX],
    ..row("FT.ALIASADD", Arity::Exactly(3), Access::Grow)
};

const DEL_ROW: Row = Row {
    summary: "Takes another name of an index away",
    arguments: &[ALIAS],
    ..row("FT.ALIASDEL", Arity::Exactly(2), Access::Shrink)
};

impl ServerCommand for AliasAdd {
    type Error = Error;
    const ROW: Row = ADD_ROW;

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        add(call.server(), args, Self::ROW.name, false)?;
        reply.ok();
        Ok(())
    }
}

impl ServerCommand for AliasAddIfNx {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT._ALIASADDIFNX",
        summary: "Gives an index another name unless that is taken",
        ..ADD_ROW
    };

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match add(call.server(), args, Self::ROW.name, false) {
            Ok(()) | Err(Error::AliasExists) => {
                reply.ok();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl ServerCommand for AliasUpdate {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT.ALIASUPDATE",
        summary: "Gives an index another name, and takes it from the one that has it",
        ..ADD_ROW
    };

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        add(call.server(), args, Self::ROW.name, true)?;
        reply.ok();
        Ok(())
    }
}

fn add(
    server: &Server<'_>,
    mut args: Args<'_>,
    command: &'static str,
    over: bool,
) -> Result<(), Error> {
    let (alias, name) = (word(&mut args, command)?, word(&mut args, command)?);
    let entry = registry::named(name).ok_or(Error::AliasTarget)?;
    match registry::alias(alias, &entry.name, over) {
        Aliased::Done => {
            server.replicate();
            server.signal(alias);
            Ok(())
        }
        Aliased::IsIndex => Err(Error::AliasIsIndex),
        Aliased::Taken => Err(Error::AliasExists),
    }
}

impl ServerCommand for AliasDel {
    type Error = Error;
    const ROW: Row = DEL_ROW;

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        remove(call.server(), args, Self::ROW.name)?;
        reply.ok();
        Ok(())
    }
}

impl ServerCommand for AliasDelIfX {
    type Error = Error;
    const ROW: Row = Row {
        name: "FT._ALIASDELIFX",
        summary: "Takes another name of an index away if there is one",
        ..DEL_ROW
    };

    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        match remove(call.server(), args, Self::ROW.name) {
            Ok(()) | Err(Error::AliasMissing) => {
                reply.ok();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn remove(server: &Server<'_>, mut args: Args<'_>, command: &'static str) -> Result<(), Error> {
    let alias = word(&mut args, command)?;
    if !registry::remove_alias(alias) {
        return Err(Error::AliasMissing);
    }
    server.replicate();
    server.signal(alias);
    Ok(())
}

impl ServerCommand for AliasList {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Lists the other names of an index",
        complexity: "O(A) where A is the number of aliases",
        since: "8.10.0",
        arguments: &[INDEX],
        ..row("FT.ALIASLIST", Arity::Exactly(2), Access::Read)
    };

    fn run(_: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let entry = registry::find(word(&mut args, Self::ROW.name)?).ok_or(Error::NoIndex)?;
        let aliases = registry::aliases(&entry.name);
        reply.set(aliases.len());
        aliases.iter().for_each(|alias| reply.bulk(alias));
        Ok(())
    }
}
