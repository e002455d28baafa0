//! FT.TAGVALS.

use keyspan_common::{
    args::Args,
    command::{Access, Argument, ArgumentKind, Arity, Row},
    reply::Reply,
};
use keyspan_server::{Call, ServerCommand};

use super::{INDEX, check_access, row, word};
use crate::error::Error;
use crate::registry;

/// `FT.TAGVALS index field`
#[derive(Debug)]
pub struct TagVals;

impl ServerCommand for TagVals {
    type Error = Error;
    const ROW: Row = Row {
        summary: "Lists the different tags of a field",
        complexity: "O(T) where T is the number of tags",
        arguments: &[INDEX, Argument::new("field", ArgumentKind::String)],
        ..row("FT.TAGVALS", Arity::Exactly(3), Access::Read)
    };

    fn run(call: &mut Call<'_>, mut args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Error> {
        let entry = registry::find(word(&mut args, Self::ROW.name)?);
        let entry = entry.ok_or(Error::NoIndexToDrop)?;
        let field = word(&mut args, Self::ROW.name)?;
        check_access(call.server(), &entry)?;
        if entry.index.schema().field(field).is_none() {
            return Err(Error::NoField);
        }
        let tags = entry.index.tag_values(field).ok_or(Error::NotTags)?;
        entry.use_it();
        reply.set(tags.len());
        tags.iter().for_each(|tag| reply.bulk(tag));
        Ok(())
    }
}
