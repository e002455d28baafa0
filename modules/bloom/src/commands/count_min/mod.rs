//! CMS.*

mod create;
mod error;
mod merge;
mod sketch;

pub use create::{InitByDim, InitByProb};
pub use error::Error;
pub use merge::Merge;
pub use sketch::{IncrBy, Info, Query};

use keyspan_bloom_core::count_min::CountMin;
use keyspan_common::{
    args::{Arg, Args, Malformed},
    command::{Access, Arity, Row},
    host::Host,
};

/// A row with what the commands of this family have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { since: "2.0.0", ..super::row(name, "cms", arity, access) }
}

/// The next word of the command `name`.
fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Arg<'a>, Error> {
    args.take().map_err(|Malformed| Error::Arity(name))
}

/// The sketch at `key`, which must be there.
fn existing<'a, H: Host<CountMin>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a CountMin, Error> {
    host.read(key)?.ok_or(Error::Missing)
}

/// The sketch at `key`, which must be there, for changing.
fn existing_mut<'a, H: Host<CountMin>>(
    host: &'a mut H,
    key: Arg<'_>,
) -> Result<&'a mut CountMin, Error> {
    host.write(key)?.ok_or(Error::Missing)
}

/// A change of `key` by this command, which replicas repeat.
fn announce<H: Host<CountMin>>(host: &mut H, key: Arg<'_>, event: &'static str) {
    host.changed(key, event);
    host.replicate();
}

#[cfg(test)]
mod tests {
    use keyspan_common::{command::Command, keyspace::Keyspace, resp::Protocol};

    use super::*;

    /// Runs a command line on `keyspace`: its reply, and the events it sent, each with one
    /// replication.
    fn run<C: Command<Value = CountMin>>(keyspace: &mut Keyspace, line: &str) -> (String, usize) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let before = keyspace.events.len();
        let reply = keyspace.run::<C>(&words, Protocol::Resp2);
        assert_eq!(keyspace.events.len(), keyspace.replicated.len(), "{line}");
        (String::from_utf8(reply).unwrap(), keyspace.events.len() - before)
    }

    fn check<C: Command<Value = CountMin>>(
        keyspace: &mut Keyspace,
        line: &str,
        reply: &str,
        events: usize,
    ) {
        assert_eq!(
            run::<C>(keyspace, line),
            (reply.replace(' ', "\r\n") + "\r\n", events),
            "{line}"
        );
    }

    #[test]
    fn only_changes_are_announced() {
        let keyspace = &mut Keyspace::default();
        check::<InitByDim>(keyspace, "CMS.INITBYDIM a 10 2", "+OK", 1);
        check::<InitByProb>(keyspace, "CMS.INITBYPROB b 0.2 0.25", "+OK", 1);
        check::<IncrBy>(keyspace, "CMS.INCRBY a x 0 y 0", "*2 :0 :0", 0);
        check::<IncrBy>(keyspace, "CMS.INCRBY a x 0 y 3", "*2 :0 :3", 1);
        let (_, events) = run::<IncrBy>(keyspace, "CMS.INCRBY a z 9999999999");
        // The counters are full, but the sum still grows.
        assert_eq!((events, run::<IncrBy>(keyspace, "CMS.INCRBY a z 1").1), (1, 1));
        check::<Merge>(keyspace, "CMS.MERGE b 1 b", "+OK", 0);
        check::<Merge>(keyspace, "CMS.MERGE b 1 a WEIGHTS 1", "+OK", 1);
        check::<Merge>(keyspace, "CMS.MERGE b 1 a", "+OK", 0);
        check::<Query>(keyspace, "CMS.QUERY b z y", "*2 :4294967295 :3", 0);
        let names: Vec<&str> = keyspace.events.iter().map(|(_, event)| *event).collect();
        let made = ["cms.initbydim", "cms.initbyprob"];
        assert_eq!(names, [&made[..], &["cms.incrby"; 3], &["cms.merge"]].concat());
    }

    #[test]
    fn a_refused_command_changes_nothing() {
        let keyspace = &mut Keyspace::default();
        run::<InitByDim>(keyspace, "CMS.INITBYDIM a 10 2");
        run::<InitByDim>(keyspace, "CMS.INITBYDIM b 10 2");
        run::<IncrBy>(keyspace, "CMS.INCRBY a x 3");
        for line in ["CMS.INCRBY a x 1 y -1", "CMS.INCRBY a x 1 y no", "CMS.INCRBY a x 1 y"] {
            assert_eq!(run::<IncrBy>(keyspace, line).1, 0, "{line}");
        }
        for line in [
            "CMS.MERGE b 2 a missing",
            "CMS.MERGE b 2 a a WEIGHTS 1 no",
            "CMS.MERGE b 2 a a WEIGHTS 1 -2",
            "CMS.MERGE b 2 a a WEIGHTS 1",
            "CMS.MERGE b 9223372036854775807 a",
        ] {
            assert_eq!(run::<Merge>(keyspace, line).1, 0, "{line}");
        }
        check::<Query>(keyspace, "CMS.QUERY a x", "*1 :3", 0);
        check::<Query>(keyspace, "CMS.QUERY b x", "*1 :0", 0);
    }

    #[test]
    fn a_destination_may_be_a_source() {
        let keyspace = &mut Keyspace::default();
        run::<InitByDim>(keyspace, "CMS.INITBYDIM a 10 2");
        run::<InitByDim>(keyspace, "CMS.INITBYDIM b 10 2");
        run::<IncrBy>(keyspace, "CMS.INCRBY a x 3");
        run::<IncrBy>(keyspace, "CMS.INCRBY b x 5");
        check::<Merge>(keyspace, "CMS.MERGE a 3 a b a weights 2 10 -1", "+OK", 1);
        check::<Query>(keyspace, "CMS.QUERY a x", "*1 :53", 0);
    }
}
