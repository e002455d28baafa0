//! TOPK.*

mod add;
mod create;
mod error;
mod read;

pub use add::{Add, IncrBy};
pub use create::Reserve;
pub use error::Error;
pub use read::{Count, Info, List, Query};

use keyspan_bloom_core::top_k::TopK;
use keyspan_common::{
    args::{Arg, Args, Malformed},
    command::{Access, Arity, Row},
    host::Host,
};

/// A row with what the commands of this family have in common.
const fn row(name: &'static str, arity: Arity, access: Access) -> Row {
    Row { since: "2.0.0", ..super::row(name, "topk", arity, access) }
}

/// The next word of the command `name`.
fn word<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Arg<'a>, Error> {
    args.take().map_err(|Malformed| Error::Arity(name))
}

/// The value at `key`, which must be there.
fn existing<'a, H: Host<TopK>>(host: &'a mut H, key: Arg<'_>) -> Result<&'a TopK, Error> {
    host.read(key)?.ok_or(Error::Missing)
}

#[cfg(test)]
mod tests {
    use keyspan_common::{command::Command, keyspace::Keyspace, resp::Protocol};

    use super::*;

    /// Runs a command line on `keyspace`: its reply, and the events it sent, each with one
    /// replication.
    fn run<C: Command<Value = TopK>>(keyspace: &mut Keyspace, line: &str) -> (String, usize) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let before = keyspace.events.len();
        let reply = keyspace.run::<C>(&words, Protocol::Resp3);
        assert_eq!(keyspace.events.len(), keyspace.replicated.len(), "{line}");
        (String::from_utf8(reply).unwrap(), keyspace.events.len() - before)
    }

    fn check<C: Command<Value = TopK>>(
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
        check::<Reserve>(keyspace, "TOPK.RESERVE t 2 50 4 1", "+OK", 1);
        check::<Add>(keyspace, "TOPK.ADD t a b c", "*3 _ _ $1 a", 1);
        check::<IncrBy>(keyspace, "TOPK.INCRBY t c 5", "*1 _", 1);
        check::<IncrBy>(keyspace, "TOPK.INCRBY t c 0", "*1 _", 0);
        let (reply, events) = run::<IncrBy>(keyspace, "TOPK.INCRBY t c 100001 b -1");
        assert_eq!((reply.matches("-TopK: increment").count(), events), (2, 0));
        check::<Query>(keyspace, "TOPK.QUERY t a b c", "*3 #f #t #t", 0);
        check::<List>(keyspace, "TOPK.LIST t withcount", "*4 $1 c :6 $1 b :1", 0);
        let names: Vec<&str> = keyspace.events.iter().map(|(_, event)| *event).collect();
        assert_eq!(names, ["topk.reserve", "topk.add", "topk.incrby"]);
    }

    #[test]
    fn an_add_without_a_chance_is_not_announced() {
        let keyspace = &mut Keyspace::default();
        run::<Reserve>(keyspace, "TOPK.RESERVE t 1 1 1 0.5");
        run::<IncrBy>(keyspace, "TOPK.INCRBY t heavy 1000");
        check::<Add>(keyspace, "TOPK.ADD t light", "*1 _", 0);
    }
}
