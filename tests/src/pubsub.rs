//! What a server says unasked: invalidations and keyspace events.

use std::time::Duration;

use crate::{Client, Outcome, Protocol, Server, Value, ensure};

/// How long something that must come is waited for; silence is known by a marker, not by time.
const PATIENCE: Duration = Duration::from_secs(10);

/// A RESP3 connection that tracks the keys it reads.
pub struct Tracker {
    client: Client,
}

impl Tracker {
    /// Connects and turns CLIENT TRACKING on.
    pub fn new(server: &Server) -> Outcome<Self> {
        let mut client = server.client_in(Protocol::Resp3)?;
        client.expect("CLIENT TRACKING ON", "+OK")?;
        Ok(Self { client })
    }

    /// The connection, to read keys with.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Keys whose invalidation has come since this was last asked.
    ///
    /// Ends with a PING: what another connection's finished command caused came before its reply.
    pub fn invalidated(&mut self) -> Outcome<Vec<String>> {
        self.client.line("PING")?;
        let mut keys = Vec::new();
        while let Some(push) = self.client.push(Duration::ZERO)? {
            keys.extend(invalidated_keys(&Value::decode(&push)?)?);
        }
        Ok(keys)
    }
}

impl Tracker {
    /// For each of these: a read, then another connection's command, and whether that is told as a
    /// change of the key.
    ///
    /// # Errors
    /// The command of which it was told, or was not, and the keys that were.
    pub fn hears(&mut self, other: &mut Client, cases: &[(&str, &str, &str, bool)]) -> Outcome<()> {
        for (read, line, key, heard) in cases {
            self.client.line(read)?;
            self.invalidated()?;
            other.line(line)?;
            let keys = self.invalidated()?;
            ensure(keys.contains(&(*key).to_owned()) == *heard, || format!("{line}: {keys:?}"))?;
        }
        Ok(())
    }
}

fn invalidated_keys(push: &Value) -> Outcome<Vec<String>> {
    match push.elements()? {
        [kind, Value::Array(keys)] if kind.bytes()? == b"invalidate" => {
            keys.iter().map(|key| Ok(text(key.bytes()?))).collect()
        }
        // FLUSHALL invalidates everything with a null.
        [kind, Value::Null] if kind.bytes()? == b"invalidate" => Ok(vec!["*".into()]),
        _ => Ok(Vec::new()),
    }
}

/// A subscription to every keyspace event of database 0.
pub struct Events {
    client: Client,
}

/// A key that nobody uses, whose event marks the end of those before it.
const MARKER: &str = "keyspan:events:marker";

impl Events {
    /// Turns all events on (`KEA`, and those of modules) and subscribes.
    pub fn new(server: &Server) -> Outcome<Self> {
        let mut client = server.client()?;
        client.expect("CONFIG SET notify-keyspace-events KEAmn", "+OK")?;
        client.line("PSUBSCRIBE __keyspace@0__:*")?;
        client.set_patience(PATIENCE);
        Ok(Self { client })
    }

    /// Events since this was last asked, as `event key`, in order.
    ///
    /// Sets and deletes a marker key: what came before it is all that there is.
    pub fn seen(&mut self, server: &Server) -> Outcome<Vec<String>> {
        server.client()?.line(&format!("PUBLISH __keyspace@0__:{MARKER} end"))?;
        let mut events = Vec::new();
        loop {
            let message = Value::decode(&self.client.reply()?)?;
            let [.., channel, event] = message.elements()? else { continue };
            let key = text(channel.bytes()?).replacen("__keyspace@0__:", "", 1);
            if key == MARKER {
                return Ok(events);
            }
            events.push(format!("{} {key}", text(event.bytes()?)));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
