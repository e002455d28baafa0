//! What one node says of its cluster: the reply to `CLUSTER NODES`.

use redis::Value;

use crate::error::Error;
use crate::request::said;

/// The nodes, as one of them knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) nodes: Vec<Line>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it can be reached; the address may be missing, the name may be too.
    pub(crate) host: String,
    pub(crate) name: Option<String>,
    pub(crate) port: u16,
    pub(crate) myself: bool,
    pub(crate) primary: bool,
    /// Whether the one who tells believes that it has failed, or may have.
    pub(crate) failing: bool,
    /// The configuration epoch: of two nodes that claim a slot, the one with the greater has it.
    pub(crate) epoch: u64,
    /// First and last of each range of its slots.
    pub(crate) slots: Vec<(u16, u16)>,
    /// Slots that are being moved away from it. Only the node itself tells.
    pub(crate) moving: Vec<u16>,
}

impl View {
    /// Reads the reply; lines that cannot be understood are passed over.
    pub(crate) fn read(reply: &Value) -> Result<Self, Error> {
        if let Value::ServerError(error) = reply {
            return Err(Error::Server(said(error)));
        }
        let text = text(reply).ok_or_else(|| Error::Decode("CLUSTER NODES is no text".into()))?;
        Ok(Self { nodes: text.lines().filter_map(Line::read).collect() })
    }

    /// The node that tells.
    pub(crate) fn myself(&self) -> Option<&Line> {
        self.nodes.iter().find(|line| line.myself)
    }

    /// Whether the one who tells sees most of the primaries that have slots. One that does not may
    /// have been replaced, and not know.
    pub(crate) fn has_majority(&self) -> bool {
        let all = self.nodes.iter().filter(|line| line.primary && !line.slots.is_empty());
        let seen = all.clone().filter(|line| !line.failing).count();
        seen.saturating_mul(2) > all.count()
    }
}

impl Line {
    /// `id host:port@bus[,name] flags primary ping pong epoch state slot ...`
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (address, flags) = (words.nth(1)?, words.next()?);
        let epoch = words.nth(3)?.parse().ok()?;
        let (place, names) = address.split_once(',').unwrap_or((address, ""));
        let place = place.split_once('@').map_or(place, |(place, _)| place);
        let (host, port) = place.rsplit_once(':')?;
        let name = names.split(',').next().filter(|name| !name.is_empty() && !name.contains('='));
        let flags: Vec<&str> = flags.split(',').collect();
        let mut read = Self {
            host: bare(host).to_owned(),
            name: name.map(str::to_owned),
            port: port.parse().ok()?,
            myself: flags.contains(&"myself"),
            primary: flags.contains(&"master"),
            failing: flags.iter().any(|flag| flag.starts_with("fail")),
            epoch,
            ..Self::default()
        };
        words.skip(1).for_each(|slot| read.add(slot));
        Some(read)
    }

    /// `7`, `7-9`, `[7->-id]` for one that leaves, `[7-<-id]` for one that comes.
    fn add(&mut self, word: &str) {
        if let Some(moving) = word.strip_prefix('[') {
            let leaving = moving.split_once("->-").and_then(|(slot, _)| slot.parse::<u16>().ok());
            self.moving.extend(leaving);
            return;
        }
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
            self.slots.push((first, last));
        }
    }
}

/// An address of IPv6 may come in brackets.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is text")]
fn text(reply: &Value) -> Option<&str> {
    match reply {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
07c3 127.0.0.1:30004@31004,h4.example,shard-id=9 slave e7d1 0 1426238317239 4 connected
67ed [::1]:30002@31002,,shard-id=9 master - 0 1426238316232 2 connected 5461-9000 9002
292f 127.0.0.1:30003@31003 master,fail? - 0 1426238318243 3 connected 10923-16383
e7d1 :30001@31001 myself,master - 0 0 1 connected 0-5460 [77->-67ed] [93-<-292f]
dead :0@0 master,noaddr,fail - 0 0 0 disconnected
";

    #[test]
    fn lines() {
        let view = View::read(&Value::BulkString(NODES.into())).unwrap();
        let [replica, second, third, own, gone] = view.nodes.as_slice() else { panic!("five") };
        assert_eq!(replica.name.as_deref(), Some("h4.example"));
        assert!(!replica.primary && !replica.myself && replica.slots.is_empty());
        assert_eq!((second.host.as_str(), second.port, second.epoch), ("::1", 30002, 2));
        assert_eq!((second.name.as_deref(), second.failing), (None, false));
        assert_eq!(second.slots, [(5461, 9000), (9002, 9002)]);
        assert!(third.failing && third.primary);
        assert_eq!((own.host.as_str(), own.slots.as_slice()), ("", [(0, 5460)].as_slice()));
        assert_eq!((own.moving.as_slice(), view.myself()), ([77].as_slice(), Some(own)));
        assert_eq!((gone.port, gone.failing), (0, true));
        assert!(view.has_majority(), "two of three");
        let cut = NODES.replace("31002,,shard-id=9 master", "31002 master,fail");
        assert!(!View::read(&Value::SimpleString(cut)).unwrap().has_majority(), "one of three");
    }

    #[test]
    fn what_is_no_view() {
        assert!(View::read(&Value::Nil).is_err());
        assert_eq!(View::read(&Value::SimpleString("x y z\n\n".into())).unwrap(), View::default());
        assert!(!View::default().has_majority());
    }
}
