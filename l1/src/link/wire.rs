//! What is on its way between the cache and its server: bytes that wait for room, and replies that
//! are awaited, in the order of the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use oneshot::Sender;
use redis::{PushKind, Value};
use smallvec::{SmallVec, smallvec};

use crate::clock::Moment;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::Key;
use crate::request::{Question, said, unpack};
use crate::socket::Socket;
use crate::store::bounded::Bounded;
use crate::tracking::{Ask, Landed, Ticket, Tracking, Validity};

/// What somebody who asks gets.
pub(super) type Answer = Result<Entry, Error>;

/// What somebody who runs a command gets.
pub(super) type Outcome = Result<Value, Error>;

/// What somebody gets who waits for a connection.
pub(super) type Arrived = Result<(), Error>;

/// The end at which somebody waits for the reply to a question.
pub(super) type Waiter = Sender<Answer>;

/// What a frame has led to; told only after the lock is given back.
#[derive(Default)]
#[must_use = "somebody waits for it"]
pub(super) struct News {
    entries: SmallVec<[(Waiter, Answer); 1]>,
    replies: SmallVec<[(Sender<Outcome>, Outcome); 1]>,
    arrivals: Vec<(Sender<Arrived>, Arrived)>,
    /// How many invalidations there were.
    pub(super) invalidations: u64,
    /// What was answered: when it was sent, and the reply if it was a heartbeat's.
    pub(super) heard: Option<(Moment, Option<Value>)>,
}

impl News {
    /// Wakes those who wait. One who does not wait any more is no error.
    pub(super) fn tell(self) {
        for (waiter, answer) in self.entries {
            let _ = waiter.send(answer);
        }
        for (waiter, answer) in self.replies {
            let _ = waiter.send(answer);
        }
        for (waiter, answer) in self.arrivals {
            let _ = waiter.send(answer);
        }
    }
}

/// A request whose reply has not come yet.
struct Awaited {
    sent: Moment,
    /// Replies that come before the one that counts: of MULTI, and of what is queued.
    before: usize,
    /// The first error among them, which says more than the one of EXEC.
    refusal: Option<Arc<str>>,
    what: What,
}

/// A command to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) packed: &'a [u8],
    /// What it may change.
    pub(crate) keys: &'a [Key],
    pub(crate) everything: bool,
    /// Whether it is for a slot that is being moved to this node: after `ASKING`.
    pub(crate) asking: bool,
}

enum What {
    Command { keys: Vec<Key>, everything: bool, waiter: Sender<Outcome> },
    Fetch(Ticket),
    Beat,
}

/// Somebody who waits for a connection, and until when.
struct Arrival {
    until: Moment,
    waiter: Sender<Arrived>,
}

/// One side of the connection, guarded by the lock of its [`Link`](super::Link).
pub(super) struct Wire<V> {
    pub(super) tracking: Tracking<Bounded, Waiter, V>,
    socket: Option<Arc<Socket>>,
    unsent: Vec<u8>,
    awaited: VecDeque<Awaited>,
    arrivals: Vec<Arrival>,
    cause: Error,
}

impl<V: Validity> Wire<V> {
    pub(super) fn new(tracking: Tracking<Bounded, Waiter, V>) -> Self {
        let (unsent, awaited, arrivals) = (Vec::new(), VecDeque::new(), Vec::new());
        let cause = Error::Down("no connection yet".into());
        Self { tracking, socket: None, unsent, awaited, arrivals, cause }
    }

    pub(super) fn is_up(&self) -> bool {
        self.socket.is_some()
    }

    /// Why there is no connection.
    pub(super) fn cause(&self) -> Error {
        self.cause.clone()
    }

    /// The connection stands, which those hear who waited for it.
    pub(super) fn rise(&mut self, socket: Arc<Socket>) -> News {
        self.socket = Some(socket);
        let arrivals = self.arrivals.drain(..).map(|arrival| (arrival.waiter, Ok(()))).collect();
        News { arrivals, ..News::default() }
    }

    /// The connection has ended. Everything on its way gets this error.
    pub(super) fn fall(&mut self, cause: Error) -> News {
        self.socket = None;
        self.unsent = Vec::new();
        let waiters = self.tracking.lose().into_iter();
        let entries = waiters.map(|waiter| (waiter, Err(cause.clone()))).collect();
        let mut news = News { entries, ..News::default() };
        for awaited in self.awaited.drain(..) {
            if let What::Command { waiter, .. } = awaited.what {
                news.replies.push((waiter, Err(cause.clone())));
            }
        }
        self.cause = cause;
        news
    }

    /// Waits for a connection.
    pub(super) fn arrive(&mut self, until: Moment, waiter: Sender<Arrived>) {
        self.arrivals.push(Arrival { until, waiter });
    }

    /// Sends away those who have waited too long for a connection, or all of them.
    pub(super) fn turn_away(&mut self, now: Option<Moment>) -> News {
        let why = if let Error::Down(why) = &self.cause {
            Arc::clone(why)
        } else {
            self.cause.to_string().into()
        };
        let error = Error::Down(why);
        let mut news = News::default();
        for arrival in std::mem::take(&mut self.arrivals) {
            if now.is_some_and(|now| now < arrival.until) {
                self.arrivals.push(arrival);
            } else {
                news.arrivals.push((arrival.waiter, Err(error.clone())));
            }
        }
        news
    }

    /// Asks, or joins who asked before; true when it joined.
    pub(super) fn ask(&mut self, question: &Question, opt_in: bool, waiter: Waiter) -> bool {
        let asked = self.tracking.ask(question.id().clone(), question.keys(), waiter);
        let Ask::Send(ticket) = asked else { return true };
        let replies = question.pack_with_ttl(&mut self.unsent, opt_in);
        self.await_reply(replies, What::Fetch(ticket));
        false
    }

    /// Sends a command. Its keys, or everything, will have changed when it is answered.
    pub(super) fn command(&mut self, order: &Order<'_>, waiter: Sender<Outcome>) {
        for key in order.keys {
            self.tracking.forget(key);
        }
        if order.everything {
            self.tracking.flush();
        }
        if order.asking {
            crate::request::pack(&mut self.unsent, &[b"ASKING"]);
        }
        self.unsent.extend_from_slice(order.packed);
        let (keys, everything) = (order.keys.to_vec(), order.everything);
        let replies = if order.asking { 2 } else { 1 };
        self.await_reply(replies, What::Command { keys, everything, waiter });
    }

    /// Sends the heartbeat of these words.
    pub(super) fn beat(&mut self, words: &[&[u8]]) {
        crate::request::pack(&mut self.unsent, words);
        self.await_reply(1, What::Beat);
    }

    fn await_reply(&mut self, replies: usize, what: What) {
        let before = replies.saturating_sub(1);
        self.awaited.push_back(Awaited { sent: Moment::now(), before, refusal: None, what });
    }

    /// Writes what there is room for; the rest goes when the socket says that there is room again.
    pub(super) fn write(&mut self) -> std::io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        socket.flush()?;
        while !self.unsent.is_empty() {
            let written = socket.write(&self.unsent)?;
            if written == 0 {
                break;
            }
            self.unsent.drain(..written.min(self.unsent.len()));
        }
        Ok(())
    }

    /// How long the oldest request has been waiting for its reply.
    pub(super) fn oldest(&self, now: Moment) -> Duration {
        self.awaited.front().map_or(Duration::ZERO, |awaited| now.since(awaited.sent))
    }

    /// Applies the next frame of the socket. An error is the end of the connection.
    pub(super) fn apply(&mut self, frame: Value) -> Result<News, Error> {
        if let Value::Push { kind, data } = &frame {
            return self.push(kind, data);
        }
        self.reply(frame)
    }

    fn push(&mut self, kind: &PushKind, data: &[Value]) -> Result<News, Error> {
        match (kind, data) {
            (PushKind::Invalidate, [Value::Array(keys)]) => Ok(self.invalidate(keys)),
            (PushKind::Invalidate, _) => {
                self.tracking.flush();
                Ok(News { invalidations: 1, ..News::default() })
            }
            (PushKind::Other(kind), _) if kind == "tracking-redir-broken" => {
                Err(Error::Lost("the server has stopped to tell of changes".into()))
            }
            _ => Ok(News::default()),
        }
    }

    fn invalidate(&mut self, keys: &[Value]) -> News {
        for key in keys {
            if let Value::BulkString(key) = key {
                self.tracking.invalidate(key);
            } else {
                // What names no key might mean any.
                self.tracking.flush();
            }
        }
        let invalidations = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        News { invalidations, ..News::default() }
    }

    fn reply(&mut self, reply: Value) -> Result<News, Error> {
        let sent = self.awaited.front().map(|awaited| awaited.sent);
        let (news, beat) = self.answer(reply)?;
        Ok(News { heard: sent.map(|sent| (sent, beat)), ..news })
    }

    /// What the reply has led to, and the reply itself if it was a heartbeat's.
    fn answer(&mut self, reply: Value) -> Result<(News, Option<Value>), Error> {
        let unasked = || Error::Lost("a reply to nothing".into());
        let awaited = self.awaited.front_mut().ok_or_else(unasked)?;
        if awaited.before > 0 {
            awaited.before = awaited.before.saturating_sub(1);
            if let Value::ServerError(error) = reply {
                awaited.refusal.get_or_insert_with(|| said(&error));
            }
            return Ok((News::default(), None));
        }
        let awaited = self.awaited.pop_front().ok_or_else(unasked)?;
        let news = match awaited.what {
            What::Command { keys, everything, waiter } => {
                self.written(&keys, everything);
                News { replies: smallvec![(waiter, plain(reply))], ..News::default() }
            }
            What::Fetch(ticket) => self.fetched(ticket, reply, awaited.refusal, awaited.sent),
            What::Beat => return Ok((News::default(), Some(reply))),
        };
        Ok((news, None))
    }

    fn written(&mut self, keys: &[Key], everything: bool) {
        for key in keys {
            self.tracking.invalidate(key);
        }
        if everything {
            self.tracking.flush();
        }
    }

    fn fetched(
        &mut self,
        ticket: Ticket,
        reply: Value,
        refusal: Option<Arc<str>>,
        sent: Moment,
    ) -> News {
        let error = match (refusal, unpack(reply)) {
            (Some(refusal), _) => Error::Server(refusal),
            (None, Err(error)) => error,
            (None, Ok((value, ttl))) => {
                let Some(Landed { waiters, entry }) =
                    self.tracking.answered(ticket, value, ttl, sent)
                else {
                    return News::default();
                };
                return told(waiters, &Ok(entry));
            }
        };
        told(self.tracking.refused(ticket), &Err(error))
    }
}

fn told(waiters: SmallVec<[Waiter; 1]>, answer: &Answer) -> News {
    let entries = waiters.into_iter().map(|waiter| (waiter, answer.clone())).collect();
    News { entries, ..News::default() }
}

fn plain(reply: Value) -> Outcome {
    if let Value::ServerError(error) = &reply {
        return Err(Error::Server(said(error)));
    }
    Ok(reply)
}
