//! CF.DEL, CF.COMPACT.

use keyspan_bloom_core::cuckoo::Cuckoo;
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Arity, Command, Row},
    host::Host,
    reply::Reply,
};

use super::{ITEM, KEY, error::Error, row};

/// Changes the filter at `key`, and tells everyone of `event` if `change` says so. `missing` if there
/// is no filter, whatever else is there.
fn change<H: Host<Cuckoo>>(
    host: &mut H,
    key: Arg<'_>,
    missing: Error,
    event: &'static str,
    change: impl FnOnce(&mut Cuckoo) -> bool,
) -> Result<bool, Error> {
    let filter = host.write(key).ok().flatten().ok_or(missing)?;
    let changed = change(filter);
    if changed {
        host.replicate();
        host.changed(key, event);
    }
    Ok(changed)
}

/// `CF.DEL key item`
#[derive(Debug)]
pub struct Del;

impl Command for Del {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Deletes an item once; only items that were added may be deleted",
        complexity: "O(K) where K is the number of sub-filters; O(S * K) where it compacts the filter, S the number of slots",
        arguments: &[KEY, ITEM],
        fast: true,
        ..row("cf.del", Arity::Exactly(3), Access::Shrink)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let item = args.take().map_err(Error::arity(Self::ROW.name))?;
        let found = change(host, key, Error::MissingForDelete, Self::ROW.name, |filter| {
            filter.remove(item.bytes)
        })?;
        reply.boolean(found);
        Ok(())
    }
}

/// `CF.COMPACT key`
#[derive(Debug)]
pub struct Compact;

impl Command for Compact {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Moves items from newer sub-filters into free slots of older ones",
        complexity: "O(S * K) where S is the number of slots and K the number of sub-filters",
        arguments: &[KEY],
        ..row("cf.compact", Arity::AtLeast(1), Access::Shrink)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        args.finish().map_err(Error::arity(Self::ROW.name))?;
        change(host, key, Error::MissingForCompact, Self::ROW.name, Cuckoo::compact)?;
        reply.ok();
        Ok(())
    }
}
