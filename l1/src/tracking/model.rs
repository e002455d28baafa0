//! The state machine against a server, two queues and every promise, with random schedules.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use redis::Value;

use super::{Ask, Freshness, Lifetimes, ServerTtl, Ticket, Tracking, find};
use crate::clock::Moment;
use crate::id::{Id, Key, Kind};
use crate::store::plain::Plain;

const KEYS: usize = 3;
const STALENESS_MAX: Duration = Duration::from_millis(100);
const LIFETIMES: Lifetimes =
    Lifetimes { present_max: Duration::from_millis(400), null_max: Duration::from_millis(150) };

#[derive(Clone, Debug)]
enum Step {
    /// Somebody reads the key through the cache.
    Read(usize),
    /// Somebody reads this key and the next one in one command.
    ReadPair(usize),
    /// A write through the cache; with a life in milliseconds.
    WriteHere(usize, Option<u64>),
    /// A write of another client.
    WriteElsewhere(usize, Option<u64>),
    /// Another client deletes the key.
    DeleteElsewhere(usize),
    FlushElsewhere,
    /// The user says that the key is about to change by other ways.
    Forget(usize),
    /// A loader found nothing.
    Absent(usize),
    Heartbeat,
    /// The server runs the next thing that was sent.
    Serve,
    /// The reader parses the next frame.
    Deliver,
    Pass(u64),
    Kill,
    Connect,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS;
    let life = prop_oneof![3 => Just(None), 1 => (0..300_u64).prop_map(Some)];
    prop_oneof![
        8 => key.clone().prop_map(Step::Read),
        4 => key.clone().prop_map(Step::ReadPair),
        2 => (key.clone(), life.clone()).prop_map(|(key, life)| Step::WriteHere(key, life)),
        4 => (key.clone(), life).prop_map(|(key, life)| Step::WriteElsewhere(key, life)),
        1 => key.clone().prop_map(Step::DeleteElsewhere),
        1 => Just(Step::FlushElsewhere),
        1 => key.clone().prop_map(Step::Forget),
        1 => key.prop_map(Step::Absent),
        2 => Just(Step::Heartbeat),
        10 => Just(Step::Serve),
        10 => Just(Step::Deliver),
        3 => (1..60_u64).prop_map(Step::Pass),
        1 => Just(Step::Kill),
        1 => Just(Step::Connect),
    ]
}

#[derive(Debug)]
enum Request {
    Read { ticket: Ticket, keys: Vec<usize>, sent: Moment },
    Write { key: usize, life: Option<u64> },
    Ping { sent: Moment },
}

#[derive(Debug)]
enum Frame {
    Reply { ticket: Ticket, value: Value, ttl: ServerTtl, sent: Moment },
    Written { key: usize, state: usize },
    Invalidate { key: usize, state: usize },
    Flush { states: Vec<usize> },
    Pong { sent: Moment },
}

/// What a key holds from some moment on: nothing, or a number that no other write has.
#[derive(Clone, Debug)]
struct State {
    number: Option<i64>,
    since: Moment,
    expires: Option<Moment>,
}

impl State {
    fn value(&self) -> Value {
        self.number.map_or(Value::Nil, Value::Int)
    }
}

struct World {
    now: Moment,
    /// All states that each key has had; the last one is current.
    states: Vec<Vec<State>>,
    tracked: BTreeSet<usize>,
    uplink: VecDeque<Request>,
    downlink: VecDeque<Frame>,
    connected: bool,
    store: Arc<Plain>,
    freshness: Arc<Freshness>,
    tracking: Tracking<Plain, usize>,
    /// Nothing from before this state of each key may be served any more.
    floor: Vec<usize>,
    numbers: i64,
}

fn key(index: usize) -> Key {
    vec![b'k', b'0' + u8::try_from(index).unwrap()].into()
}

fn id(keys: &[usize]) -> Id {
    if let [only] = keys {
        return Id::new(Kind::Get, key(*only));
    }
    Id::new(Kind::Command, format!("PAIR {keys:?}").into_bytes().into())
}

impl World {
    fn new() -> Self {
        let (store, freshness) =
            (Arc::new(Plain::default()), Arc::new(Freshness::new(STALENESS_MAX)));
        let nothing = State { number: None, since: Moment::ORIGIN, expires: None };
        Self {
            now: Moment::from_millis(1000),
            states: vec![vec![nothing]; KEYS],
            tracked: BTreeSet::new(),
            uplink: VecDeque::new(),
            downlink: VecDeque::new(),
            connected: false,
            tracking: Tracking::new(Arc::clone(&store), Arc::clone(&freshness), LIFETIMES),
            store,
            freshness,
            floor: vec![0; KEYS],
            numbers: 0,
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Read(key) => self.read(&[key]),
            Step::ReadPair(key) => self.read(&[key, (key + 1) % KEYS]),
            Step::WriteHere(key, life) => self.write_here(key, life),
            Step::WriteElsewhere(key, life) => self.write(key, Some(life)),
            Step::DeleteElsewhere(key) => self.write(key, None),
            Step::FlushElsewhere => self.flush(),
            Step::Forget(index) => self.tracking.forget(&key(index)),
            Step::Absent(index) => {
                self.tracking.absent(&key(index), self.now, Duration::from_millis(300));
            }
            Step::Heartbeat if self.connected => {
                self.uplink.push_back(Request::Ping { sent: self.now });
            }
            Step::Heartbeat => {}
            Step::Serve => self.serve(),
            Step::Deliver => self.deliver(),
            Step::Pass(millis) => self.now = self.now.after(Duration::from_millis(millis)),
            Step::Kill => self.kill(),
            Step::Connect => self.connect(),
        }
        self.check_hits();
    }

    fn read(&mut self, keys: &[usize]) {
        let id = id(keys);
        if !self.connected || find(&*self.store, &*self.freshness, id.lookup(), self.now).is_some()
        {
            return;
        }
        let names: Vec<Key> = keys.iter().map(|&index| key(index)).collect();
        if let Ask::Send(ticket) = self.tracking.ask(id, &names, 0) {
            let keys = keys.to_vec();
            self.uplink.push_back(Request::Read { ticket, keys, sent: self.now });
        }
    }

    fn write_here(&mut self, index: usize, life: Option<u64>) {
        if self.connected {
            self.tracking.forget(&key(index));
            self.uplink.push_back(Request::Write { key: index, life });
        }
    }

    /// The server changes the key; `None` deletes it.
    fn write(&mut self, key: usize, life: Option<Option<u64>>) {
        self.numbers += 1;
        let expires = life.flatten().map(|millis| self.now.after(Duration::from_millis(millis)));
        let number = life.map(|_| self.numbers);
        self.states[key].push(State { number, since: self.now, expires });
        let state = self.states[key].len() - 1;
        if self.tracked.remove(&key) {
            self.downlink.push_back(Frame::Invalidate { key, state });
        }
    }

    fn flush(&mut self) {
        for key in 0..KEYS {
            self.tracked.remove(&key);
            self.write(key, None);
        }
        if self.connected {
            let states = self.states.iter().map(|states| states.len() - 1).collect();
            self.downlink.push_back(Frame::Flush { states });
        }
    }

    fn serve(&mut self) {
        match self.uplink.pop_front() {
            Some(Request::Read { ticket, keys, sent }) => {
                let (value, ttl) = self.answer(&keys);
                self.downlink.push_back(Frame::Reply { ticket, value, ttl, sent });
            }
            Some(Request::Write { key, life }) => {
                // The reply to an own write comes before its push.
                let at = self.downlink.len();
                self.write(key, Some(life));
                let state = self.states[key].len() - 1;
                self.downlink.insert(at, Frame::Written { key, state });
            }
            Some(Request::Ping { sent }) => self.downlink.push_back(Frame::Pong { sent }),
            None => {}
        }
    }

    /// What the server says of these keys now; a key whose life is over goes when it is looked at.
    fn answer(&mut self, keys: &[usize]) -> (Value, ServerTtl) {
        let mut ttl = ServerTtl::Forever;
        for &key in keys {
            let state = self.states[key].last().unwrap().clone();
            if state.expires.is_some_and(|expires| expires <= self.now) {
                self.write(key, None);
            } else if let Some(expires) = state.expires {
                let millis = u64::try_from(expires.since(self.now).as_millis()).unwrap();
                ttl = match ttl {
                    ServerTtl::Millis(other) => ServerTtl::Millis(other.min(millis)),
                    ServerTtl::Forever => ServerTtl::Millis(millis),
                };
            }
            self.tracked.insert(key);
        }
        let values: Vec<Value> =
            keys.iter().map(|&key| self.states[key].last().unwrap().value()).collect();
        (if let [only] = values.as_slice() { only.clone() } else { Value::Array(values) }, ttl)
    }

    fn deliver(&mut self) {
        match self.downlink.pop_front() {
            Some(Frame::Reply { ticket, value, ttl, sent }) => {
                let landed = self.tracking.answered(ticket, value, ttl, sent).unwrap();
                assert!(!landed.waiters.is_empty());
                self.freshness.prove(sent);
            }
            Some(
                Frame::Written { key: index, state } | Frame::Invalidate { key: index, state },
            ) => {
                self.tracking.invalidate(&key(index));
                self.floor[index] = self.floor[index].max(state);
            }
            Some(Frame::Flush { states }) => {
                self.tracking.flush();
                self.floor = states;
            }
            Some(Frame::Pong { sent }) => self.freshness.prove(sent),
            None => {}
        }
    }

    fn kill(&mut self) {
        let waiting = self.tracking.pending();
        assert!(self.tracking.lose().len() >= waiting);
        assert_eq!(self.tracking.pending(), 0);
        self.connected = false;
        self.tracked.clear();
        self.uplink.clear();
        self.downlink.clear();
        self.floor = self.states.iter().map(|states| states.len() - 1).collect();
    }

    fn connect(&mut self) {
        if !self.connected {
            self.connected = true;
            self.freshness.prove(self.now);
        }
    }

    /// Whatever a read would be given now keeps all promises.
    fn check_hits(&self) {
        for index in 0..KEYS {
            for keys in [vec![index], vec![index, (index + 1) % KEYS]] {
                let hit = find(&*self.store, &*self.freshness, id(&keys).lookup(), self.now);
                let Some(entry) = hit else { continue };
                assert!(self.connected, "a hit without a connection");
                let value = entry.value().unwrap();
                if let Value::Array(values) = value {
                    keys.iter().zip(values).for_each(|(&key, value)| self.check(key, value));
                } else {
                    self.check(index, value);
                }
            }
            let absent = Id::new(Kind::Absent, key(index));
            if find(&*self.store, &*self.freshness, absent.lookup(), self.now).is_some() {
                self.check(index, &Value::Nil);
            }
        }
    }

    fn check(&self, key: usize, served: &Value) {
        let states = &self.states[key];
        let allowed = states.iter().enumerate().skip(self.floor[key]).any(|(index, state)| {
            let replaced = states
                .get(index + 1)
                .is_none_or(|next| self.now.since(next.since) <= STALENESS_MAX);
            let lives = state.expires.is_none_or(|expires| self.now < expires);
            state.value() == *served && replaced && lives
        });
        assert!(allowed, "key {key}: {served:?} at {:?} of {states:?}", self.now);
    }

    /// Everything arrives; then what is served is the truth.
    fn settle(&mut self) {
        while !self.uplink.is_empty() || !self.downlink.is_empty() {
            self.run(&Step::Serve);
            self.run(&Step::Deliver);
        }
        for (index, states) in self.states.iter().enumerate() {
            let hit = find(&*self.store, &*self.freshness, id(&[index]).lookup(), self.now);
            let truth = states.last().unwrap().value();
            assert!(hit.is_none_or(|entry| entry.value() == Some(&truth)), "key {index}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_breaks_a_promise(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        world.connect();
        steps.iter().for_each(|step| world.run(step));
        world.settle();
    }
}

/// The checks above would hold of a cache that never hits.
#[test]
fn the_model_does_hit() {
    let mut world = World::new();
    world.connect();
    for step in [Step::WriteElsewhere(0, None), Step::Read(0), Step::Serve, Step::Deliver] {
        world.run(&step);
    }
    for index in 0..KEYS {
        let hit = find(&*world.store, &*world.freshness, id(&[index]).lookup(), world.now);
        assert_eq!(hit.is_some(), index == 0);
    }
}
