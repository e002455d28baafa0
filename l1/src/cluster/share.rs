//! One node's part of the table.

use std::sync::{Arc, Weak};

use redis::Value;

use super::Cluster;
use super::slot::slot;
use super::table::{Node, Table};
use super::view::View;
use crate::clock::Moment;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::Key;
use crate::link::Pulse;
use crate::tracking::Validity;

/// What the connection to one node knows of the table, and does to it.
#[derive(Debug)]
pub(crate) struct Share {
    pub(super) table: Arc<Table>,
    pub(super) node: Node,
    pub(super) cluster: Weak<Cluster>,
}

impl Validity for Share {
    const SOLE: bool = false;

    fn stamp(&self, keys: &[Key]) -> Option<u64> {
        self.table.stamp(slot(keys.first()?), self.node)
    }

    #[inline]
    fn serves(&self, entry: &Entry, now: Moment) -> bool {
        self.table.serves(entry, now)
    }

    fn renew(&self) {
        self.table.renew(self.node);
    }

    fn lose(&self) {
        self.table.lose(self.node);
    }
}

/// No push tells that a slot has left its node, so a reply proves nothing of the slots that nobody
/// asked for. Each heartbeat asks for all of them, and it alone proves, after what has left is
/// invisible.
impl Pulse for Share {
    const BEAT: &[&[u8]] = &[b"CLUSTER", b"NODES"];

    fn heard(&self, sent: Moment, beat: Option<Value>) -> Result<(), Error> {
        let (Some(beat), Some(cluster)) = (beat, self.cluster.upgrade()) else { return Ok(()) };
        let view = View::read(&beat)?;
        let known = cluster.learn(self.node, &view);
        if known && view.has_majority() {
            self.table.prove(self.node, sent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What is answered between two heartbeats says nothing of slots that have left meanwhile.
    #[test]
    fn only_heartbeats_prove() {
        let table = Arc::new(Table::new(Duration::from_secs(2)));
        let share = Share { table: Arc::clone(&table), node: 0, cluster: Weak::new() };
        share.heard(Moment::from_millis(1000), None).unwrap();
        assert_eq!(table.until(0), Moment::ORIGIN);
        table.prove(0, Moment::from_millis(1000));
        assert_eq!(table.until(0), Moment::from_millis(3000));
        share.lose();
        assert_eq!(table.until(0), Moment::ORIGIN);
    }
}
