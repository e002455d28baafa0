//! Finding the primary of a service through its sentinels, and noticing when it is another one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use mio::{Events, Poll, Token};
use redis::Value;

use crate::address::Place;
use crate::clock::Moment;
use crate::error::Error;
use crate::link::Link;
use crate::request::pack;
use crate::socket::{Frames, Socket, Trust};

/// The sentinels of one service, and whom they last named.
#[derive(Debug)]
pub(crate) struct Sentinels {
    pub(crate) places: Vec<Place>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) service: String,
    pub(crate) tls: bool,
    /// The sentinel to ask next.
    turn: AtomicUsize,
    named: Mutex<Option<Named>>,
}

/// A primary as a sentinel names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    place: Place,
    /// Grows with each failover, so that a sentinel that was cut off is not believed.
    epoch: u64,
}

impl Named {
    /// Where no epoch is told, the last word counts.
    fn replaces(&self, last: &Self) -> bool {
        self.epoch > last.epoch || (self.epoch == 0 && last.epoch == 0)
    }
}

impl Sentinels {
    pub(crate) fn new(places: Vec<Place>, service: String, tls: bool) -> Self {
        let (user, password) = (None, None);
        let (turn, named) = (AtomicUsize::new(0), Mutex::new(None));
        Self { places, user, password, service, tls, turn, named }
    }

    /// Where the primary is: the newest that any sentinel names, each asked in turn until one
    /// answers. Blocks.
    pub(crate) fn primary(&self, trust: &Trust, limit: Duration) -> Result<Place, Error> {
        let mut failure = Error::Down("no sentinel is named".into());
        for _ in &self.places {
            match self.ask_next(trust, limit) {
                Ok(named) => return Ok(self.learn(named)),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Nobody is at the place that was named last: whatever is named next is to be believed.
    pub(crate) fn forget(&self) {
        *self.named.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Keeps what is newer, and gives what is kept.
    fn learn(&self, named: Named) -> Place {
        let mut last = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = last.take().filter(|last| !named.replaces(last)).unwrap_or(named);
        let place = newest.place.clone();
        *last = Some(newest);
        place
    }

    fn ask_next(&self, trust: &Trust, limit: Duration) -> Result<Named, Error> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.places.len());
        let place = turn.and_then(|turn| self.places.get(turn));
        let place = place.ok_or_else(|| Error::Down("no sentinel is named".into()))?;
        let mut talk = Talk::new(place, trust, limit)?;
        if let Some(password) = &self.password {
            let mut words: Vec<&[u8]> = vec![b"AUTH"];
            words.extend(self.user.as_deref().map(str::as_bytes));
            words.push(password.as_bytes());
            talk.say(&words)?;
        }
        let service = self.service.as_bytes();
        let address = talk.say(&[b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", service])?;
        if matches!(address, Value::Nil) {
            return self.named(&address, &Value::Nil);
        }
        let state = talk.say(&[b"SENTINEL", b"MASTER", service])?;
        self.named(&address, &state)
    }

    fn named(&self, address: &Value, state: &Value) -> Result<Named, Error> {
        let unknown = || Error::Down(format!("no service {:?} is known", self.service).into());
        let Value::Array(parts) = address else { return Err(unknown()) };
        let [host, port] = parts.as_slice() else { return Err(unknown()) };
        let (host, port) = (text(host).ok_or_else(unknown)?, text(port).ok_or_else(unknown)?);
        let port = port.parse().map_err(|_| unknown())?;
        let epoch = field(state, "config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Ok(Named { place: Place::Tcp { host, port, tls: self.tls }, epoch })
    }
}

/// Starts the thread that asks a sentinel at each heartbeat, and has the connection given up when
/// the primary is another one. It ends with the link.
pub(crate) fn watch(sentinels: &Arc<Sentinels>, link: &Arc<Link>) -> Result<(), Error> {
    let (sentinels, link) = (Arc::clone(sentinels), Arc::downgrade(link));
    thread::Builder::new()
        .name("keyspan-l1-sentinel".into())
        .spawn(move || while turn(&sentinels, &link) {})?;
    Ok(())
}

/// One question and the pause after it; false when the link is gone.
fn turn(sentinels: &Sentinels, link: &Weak<Link>) -> bool {
    let Some((pause, trust)) = link
        .upgrade()
        .filter(|link| !link.is_closing())
        .map(|link| (link.settings.heartbeat(), link.settings.trust.clone()))
    else {
        return false;
    };
    let current = sentinels.named.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // A sentinel that does not answer is passed over; the next one is asked in the next turn.
    if let (Some(current), Ok(named)) = (current, sentinels.ask_next(&trust, pause)) {
        let moved = named.replaces(&current) && named.place != current.place;
        if let Some(link) = link.upgrade().filter(|_| moved) {
            sentinels.learn(named);
            link.leave(Error::Down("the sentinels name another primary".into()));
        }
    }
    thread::sleep(pause);
    true
}

/// A conversation of one question at a time.
struct Talk {
    socket: Socket,
    frames: Frames,
    poll: Poll,
    events: Events,
    limit: Duration,
}

impl Talk {
    fn new(place: &Place, trust: &Trust, limit: Duration) -> Result<Self, Error> {
        let mut socket = Socket::connect(place, trust, limit)?;
        let poll = Poll::new()?;
        socket.register(poll.registry(), Token(0))?;
        Ok(Self { socket, frames: Frames::new(), poll, events: Events::with_capacity(4), limit })
    }

    /// Sends the words and waits for the reply.
    fn say(&mut self, words: &[&[u8]]) -> Result<Value, Error> {
        let mut bytes = Vec::new();
        pack(&mut bytes, words);
        let (mut unsent, start) = (bytes.as_slice(), Moment::now());
        loop {
            self.socket.flush()?;
            let written = self.socket.write(unsent)?;
            unsent = unsent.get(written..).unwrap_or_default();
            if let Some(reply) = self.frames.next(&self.socket)? {
                let Value::ServerError(error) = &reply else { return Ok(reply) };
                return Err(Error::Server(crate::request::said(error)));
            }
            if Moment::now().since(start) > self.limit {
                return Err(Error::Timeout(self.limit));
            }
            self.poll.poll(&mut self.events, Some(Duration::from_millis(50)))?;
            // One read more costs nothing here.
            self.frames.wake(true);
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let Value::BulkString(bytes) = value else { return None };
    String::from_utf8(bytes.clone()).ok()
}

/// A field of a flat list of names and values.
fn field(list: &Value, name: &str) -> Option<String> {
    let Value::Array(parts) = list else { return None };
    let mut pairs = parts.chunks_exact(2);
    let found = pairs.find(|pair| pair.first().and_then(text).as_deref() == Some(name))?;
    found.last().and_then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Value {
        let bulk = |word: &&str| Value::BulkString(word.as_bytes().to_vec());
        Value::Array(words.iter().map(bulk).collect())
    }

    fn named(port: &str, epoch: &str) -> Result<Named, Error> {
        let sentinels = Sentinels::new(Vec::new(), "s".into(), false);
        let state = list(&["name", "s", "config-epoch", epoch]);
        sentinels.named(&list(&["10.0.0.1", port]), &state)
    }

    fn place(port: u16) -> Place {
        Place::Tcp { host: "10.0.0.1".into(), port, tls: false }
    }

    #[test]
    fn what_sentinels_say() {
        assert_eq!(named("7", "3").unwrap(), Named { place: place(7), epoch: 3 });
        assert!(named("x", "3").is_err());
        let nobody = Sentinels::new(Vec::new(), "s".into(), false);
        assert!(nobody.named(&Value::Nil, &Value::Nil).is_err());
        assert!(nobody.primary(&None, Duration::from_millis(50)).is_err());
    }

    #[test]
    fn the_newest_is_believed() {
        let sentinels = Sentinels::new(Vec::new(), "s".into(), false);
        let learn = |port, epoch| sentinels.learn(named(port, epoch).unwrap());
        assert_eq!(learn("1", "1"), place(1));
        assert_eq!(learn("2", "2"), place(2));
        assert_eq!(learn("1", "1"), place(2), "a sentinel that was cut off");
        assert_eq!(learn("3", "3"), place(3));
        sentinels.forget();
        assert_eq!(learn("1", "0"), place(1));
        assert_eq!(learn("2", "0"), place(2), "no epochs are told");
    }
}
