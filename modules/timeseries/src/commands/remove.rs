//! TS.DEL.

use keyspan_common::{
    args::Args,
    command::{Access, Arity, Command, Row},
    host::Host,
    reply::Reply,
};
use keyspan_timeseries_core::error::Error;
use keyspan_timeseries_core::request::range;
use keyspan_timeseries_core::series::Series;

use super::{KEY, existing, existing_mut, integer, row, word, words};
use crate::compaction;

/// `TS.DEL key fromTimestamp toTimestamp`
#[derive(Debug)]
pub struct Del;

impl Command for Del {
    type Value = Series;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Removes the samples between two times, both included",
        complexity: "O(N) where N is the number of samples of the chunks at the ends",
        since: "1.6.0",
        arguments: &[KEY, integer("from_timestamp"), integer("to_timestamp")],
        ..row("ts.del", Arity::Exactly(4), Access::Shrink)
    };

    fn run<H: Host<Series>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let ends = range::ends(words(&args), 2);
        let key = word(&mut args, Self::ROW.name)?;
        let (from, to) = ends?;
        existing(host, key)?.check_removal(from)?;
        let mut effects = Vec::new();
        let removed = existing_mut(host, key)?.remove(from, to, &mut effects);
        compaction::tell(host, key, &effects);
        if removed > 0 {
            host.changed(key, "ts.del");
            host.replicate();
        }
        reply.integer(removed.cast_signed());
        Ok(())
    }
}
