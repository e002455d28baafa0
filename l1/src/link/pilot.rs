//! The I/O thread: connects, reads, applies frames in their order, keeps the connection proven, and
//! connects again.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use oneshot::Sender;

use super::greeting::Greeting;
use super::wire::Wire;
use super::{Common, Link, Pulse};
use crate::clock::{Moment, TICK};
use crate::error::Error;
use crate::settings::Settings;
use crate::socket::{Frames, Socket};

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// Frames between two looks at the time.
const FRAMES_BURST: usize = 256;

/// The first pause before connecting again, and the longest; it doubles in between.
const PAUSE: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Starts the I/O thread. The sender hears whether the first connection stands; when it does not,
/// the thread ends. Without a sender it tries again.
pub(crate) fn start<V: Pulse + 'static>(
    settings: Settings,
    common: Common,
    validity: Arc<V>,
    ready: Option<Sender<Result<(), Error>>>,
) -> Result<Arc<Link<V>>, Error> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let link = Arc::new(Link::new(settings, common, validity, waker));
    let pilot = Pilot { link: Arc::clone(&link), poll, events: Events::with_capacity(16) };
    thread::Builder::new().name("keyspan-l1".into()).spawn(move || pilot.run(ready))?;
    Ok(link)
}

struct Pilot<V: Pulse> {
    link: Arc<Link<V>>,
    poll: Poll,
    events: Events,
}

impl<V: Pulse> Pilot<V> {
    fn run(mut self, ready: Option<Sender<Result<(), Error>>>) {
        // If this thread should panic, nobody may be served from what it leaves behind.
        let guard = Downfall(Arc::clone(&self.link));
        let mut first = None;
        if let Some(ready) = ready {
            let connected = self.connect();
            let failure = connected.as_ref().err().cloned();
            let failed = failure.is_some();
            first = connected.ok();
            // One who does not wait any more has dropped the cache, which this thread will see.
            let _ = ready.send(failure.map_or(Ok(()), Err));
            if failed {
                return drop(guard);
            }
        }
        self.fly(first);
        drop(guard);
    }

    /// One session after the other, until the cache is closed.
    fn fly(&mut self, first: Option<Session>) {
        let mut next = first;
        while !self.link.is_closing() {
            if let Some(session) = next.take() {
                let cause = self.serve(session);
                self.link.counts.lose();
                let news = self.link.wire().fall(lost(cause));
                news.tell();
            }
            next = self.connect_again();
        }
    }

    fn connect_again(&mut self) -> Option<Session> {
        let mut pause = Duration::ZERO;
        while !self.link.is_closing() {
            self.rest(pause);
            match self.connect() {
                Ok(session) => return Some(session),
                Err(error) => {
                    let news = self.link.wire().fall(error);
                    news.tell();
                    self.link.settings.sentinels.as_ref().inspect(|all| all.forget());
                }
            }
            let news = self.link.wire().turn_away(Some(Moment::now()));
            news.tell();
            pause = pause.saturating_mul(2).clamp(PAUSE, PAUSE_MAX);
        }
        None
    }

    /// Pauses, unless the cache is closed meanwhile.
    fn rest(&mut self, pause: Duration) {
        if !pause.is_zero() && !self.link.is_closing() {
            // A poll that fails is a shorter pause.
            let _ = self.poll.poll(&mut self.events, Some(pause));
        }
    }

    /// A connection that tracks, and is proven.
    fn connect(&mut self) -> Result<Session, Error> {
        let settings = &self.link.settings;
        let limit = settings.timeout;
        let place = settings.place()?;
        // What was asked of the last connection is done.
        drop(self.link.take_leave());
        let mut socket = Socket::connect(&place, &settings.trust, limit)?;
        socket.register(self.poll.registry(), SOCKET)?;
        let mut greeting = Greeting::new(settings);
        let sent = Moment::now();
        let mut frames = Frames::new();
        let bytes = std::mem::take(&mut greeting.bytes);
        let mut unsent = bytes.as_slice();
        loop {
            socket.flush()?;
            let written = socket.write(unsent)?;
            unsent = unsent.get(written..).unwrap_or_default();
            while let Some(frame) = frames.next(&socket)? {
                if greeting.hear(&frame)? {
                    return Ok(self.rise(Session { socket: Arc::new(socket), frames }, sent));
                }
            }
            if Moment::now().since(sent) > limit || self.link.is_closing() {
                return Err(Error::Timeout(limit));
            }
            self.poll.poll(&mut self.events, Some(Duration::from_millis(100)))?;
            frames.wake(self.is_ending());
        }
    }

    fn rise(&self, session: Session, sent: Moment) -> Session {
        let news = self.link.wire().rise(Arc::clone(&session.socket));
        if let Err(why) = self.hear(sent, None) {
            self.link.leave(why);
        }
        news.tell();
        session
    }

    /// Reads and writes until the connection ends; why it did.
    fn serve(&mut self, mut session: Session) -> Error {
        let mut beat = Moment::ORIGIN;
        loop {
            let outcome = self.turn(&mut session, &mut beat);
            match outcome {
                Ok(()) if self.link.is_closing() => return super::gone(),
                Ok(()) => {
                    if let Some(why) = self.link.take_leave() {
                        return why;
                    }
                }
                Err(error) => return error,
            }
        }
    }

    /// What there is to do now; then waits for more.
    fn turn(&mut self, session: &mut Session, beat: &mut Moment) -> Result<(), Error> {
        let heartbeat = self.link.settings.heartbeat();
        let more = self.read(session)?;
        let now = Moment::now();
        let mut wire = self.link.wire();
        if self.link.take_hurry() || now.since(*beat) >= heartbeat {
            wire.beat(self.link.settings.beat().as_deref().unwrap_or(V::BEAT));
            *beat = now;
        }
        wire.write()?;
        self.check_patience(&wire, now)?;
        drop(wire);
        let wait = if more { Duration::ZERO } else { heartbeat.saturating_sub(now.since(*beat)) };
        match self.poll.poll(&mut self.events, Some(wait.saturating_add(TICK.min(wait)))) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(error.into()),
            Ok(()) | Err(_) => {
                session.frames.wake(self.is_ending());
                Ok(())
            }
        }
    }

    /// Whether the poll has told that the other side has ended the connection.
    fn is_ending(&self) -> bool {
        let mut of_socket = self.events.iter().filter(|event| event.token() == SOCKET);
        of_socket.any(|event| event.is_read_closed() || event.is_error())
    }

    fn check_patience(&self, wire: &Wire<V>, now: Moment) -> Result<(), Error> {
        let limit = self.link.settings.timeout;
        if wire.oldest(now) > limit { Err(Error::Timeout(limit)) } else { Ok(()) }
    }

    /// Applies the frames that have come; true when there may be more.
    fn read(&self, session: &mut Session) -> Result<bool, Error> {
        for _ in 0..FRAMES_BURST {
            let Some(frame) = session.frames.next(&session.socket)? else { return Ok(false) };
            self.apply(frame)?;
        }
        Ok(true)
    }

    fn apply(&self, frame: redis::Value) -> Result<(), Error> {
        let mut wire = self.link.wire();
        let mut news = wire.apply(frame)?;
        drop(wire);
        let heard = news.heard.take();
        self.link.counts.invalidate(news.invalidations);
        let alive = heard.map_or(Ok(()), |(sent, beat)| self.hear(sent, beat));
        news.tell();
        alive
    }

    /// A guard against `SWAPDB` is looked at in heartbeats: then they alone prove.
    fn hear(&self, sent: Moment, beat: Option<redis::Value>) -> Result<(), Error> {
        let settings = &self.link.settings;
        match (&settings.guard, &beat) {
            (Some(guard), Some(value)) => {
                if guard.check(value)? {
                    self.link.forget_all();
                }
            }
            (Some(_), None) => return Ok(()),
            (None, Some(role)) => settings.check_role(role)?,
            (None, None) => {}
        }
        self.link.freshness.heard(sent, beat)
    }
}

/// What the end of a connection is to those whose commands were sent.
fn lost(cause: Error) -> Error {
    if let Error::Down(why) = cause { Error::Lost(why) } else { cause }
}

/// An established connection.
struct Session {
    socket: Arc<Socket>,
    frames: Frames,
}

/// Makes everything invisible and turns everybody away when the I/O thread ends, however it ends.
struct Downfall<V: Pulse>(Arc<Link<V>>);

impl<V: Pulse> Drop for Downfall<V> {
    fn drop(&mut self) {
        self.0.closing.store(true, std::sync::atomic::Ordering::Release);
        let news = self.0.wire().fall(super::gone());
        news.tell();
        let news = self.0.wire().turn_away(None);
        news.tell();
    }
}
