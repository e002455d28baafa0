//! Command lines on a keyspace, for every module. Input: lines that end in [`LINE_END`], of words that
//! end in [`WORD_END`], bytes that no text has.
//!
//! The first word names the command; what names none stands for one all the same. The words that
//! are keys are mapped to a few.

use keyspan_common::{
    command::{Access, Keys, Row},
    keyspace::Keyspace,
    resp::Protocol,
};

use crate::resp;

/// Ends a word.
pub(crate) const WORD_END: u8 = 0xff;
/// Ends a line.
pub(crate) const LINE_END: u8 = 0xfe;
/// Lines behind these teach nothing new.
const LINES_MAX: usize = 16;
/// So many bytes of one input are run.
const INPUT_MAX: usize = 8 << 10;
/// Where a value of no type of the module stands.
const OTHER: &[u8] = b"other";
/// The keys.
const KEYS: [&[u8]; 8] = [b"a", b"b", b"c", b"a", b"b", b"c", b"a", OTHER];

/// The databases of the keyspaces of both protocols, and of their replicas.
pub(crate) const DATABASES: [i32; 4] = [0, 1, 2, 3];

/// What the keys of a module hold: key and text, which is equal for equal values, in order.
pub(crate) type States = Vec<(Vec<u8>, Vec<u8>)>;

/// A module's commands, and what is to be said of them.
pub(crate) trait Module {
    /// The table of the commands.
    fn rows() -> &'static [Row];

    /// Runs a line and returns the reply.
    fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>>;

    /// What the keys hold. Panics if a value is not in order.
    fn states(keyspace: &Keyspace) -> States;

    /// Sets the module's settings to one of several sets, of which the primary and its replica have
    /// different ones.
    fn set(profile: u8);

    /// Changes words that would cost too much time or memory.
    fn tame(_row: &Row, _words: &mut [Vec<u8>]) {}

    /// Whether the command says nothing of a change that is none.
    fn is_exact(row: &Row) -> bool;
}

/// Runs the lines for clients of both protocols, each with a keyspace of its own.
pub(crate) fn check<M: Module>(profile: u8, input: &[u8]) {
    let input = &input[..input.len().min(INPUT_MAX)];
    let [first, second, ..] = DATABASES;
    let mut sides = [
        Side::<M>::new(profile, Protocol::Resp2, first),
        Side::new(profile, Protocol::Resp3, second),
    ];
    for line in input.split(|byte| *byte == LINE_END).take(LINES_MAX) {
        let (row, words) = command::<M>(line);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        sides.iter_mut().for_each(|side| side.run(row, &words));
        let [two, three] = &sides;
        assert_eq!(two.states, three.states, "the protocols differ after {}", shown(&words));
    }
}

/// The command that a line is about, and its words.
fn command<M: Module>(line: &[u8]) -> (&'static Row, Vec<Vec<u8>>) {
    let mut words: Vec<Vec<u8>> =
        line.split(|byte| *byte == WORD_END).map(<[u8]>::to_vec).collect();
    let row = named(M::rows(), &words[0]);
    words[0] = row.name.into();
    map_keys(row, &mut words);
    M::tame(row, &mut words);
    (row, words)
}

fn named<'r>(rows: &'r [Row], name: &[u8]) -> &'r Row {
    let called = rows.iter().find(|row| name.eq_ignore_ascii_case(row.name.as_bytes()));
    called.unwrap_or(&rows[sum(name) % rows.len()])
}

fn sum(word: &[u8]) -> usize {
    word.iter().map(|byte| usize::from(*byte)).sum()
}

fn map_keys(row: &Row, words: &mut [Vec<u8>]) {
    match row.keys {
        // What stands where a key could is no key.
        Keys::None | Keys::Tracked => {}
        Keys::Range { first, last, step } => {
            let last = if last < 0 { place(words.len()) + last } else { last };
            let step = usize::try_from(step).expect("a step forward");
            (first..=last).step_by(step).for_each(|index| map_key(words, index));
        }
        Keys::Counted { count } => map_counted(words, count),
        Keys::FirstAndCounted { count } => {
            map_key(words, 1);
            map_counted(words, count);
        }
    }
}

/// As many keys as the number at `count` says.
fn map_counted(words: &mut [Vec<u8>], count: i32) {
    let number = words.get(usize::try_from(count).expect("a place"));
    let number = number.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
    let number = number.unwrap_or(0).clamp(0, place(words.len()));
    (count + 1..=count + number).for_each(|index| map_key(words, index));
}

fn place(index: usize) -> i32 {
    i32::try_from(index).expect("few words")
}

/// Makes the word at `index`, if there is one, one of the keys.
fn map_key(words: &mut [Vec<u8>], index: i32) {
    if let Some(word) = usize::try_from(index).ok().and_then(|index| words.get_mut(index)) {
        *word = KEYS[sum(word) % KEYS.len()].to_vec();
    }
}

/// An empty keyspace that obeys a primary.
pub(crate) fn replica() -> Keyspace {
    let mut keyspace = Keyspace::default();
    keyspace.is_replica = true;
    keyspace
}

/// A line as a text for messages.
pub(crate) fn shown(words: &[&[u8]]) -> String {
    words.iter().map(|word| format!("{} ", word.escape_ascii())).collect()
}

/// A keyspace, the one of its replica, and a protocol.
struct Side<M> {
    keyspace: Keyspace,
    replica: Keyspace,
    states: States,
    protocol: Protocol,
    profile: u8,
    module: std::marker::PhantomData<M>,
}

impl<M: Module> Side<M> {
    fn new(profile: u8, protocol: Protocol, database: i32) -> Self {
        let (mut keyspace, mut replica) = (Keyspace::default(), replica());
        // No two of them share what a module knows of a database.
        (keyspace.database, replica.database) = (database, database + 2);
        // Clocks differ too, and what a command takes from one is handed on.
        (keyspace.now_ms, replica.now_ms) = (1_000, 2_000);
        keyspace.put_other(OTHER);
        replica.put_other(OTHER);
        let module = std::marker::PhantomData;
        Self { keyspace, replica, states: States::new(), protocol, profile, module }
    }

    fn run(&mut self, row: &Row, words: &[&[u8]]) {
        self.keyspace.events.clear();
        self.keyspace.touched.clear();
        self.keyspace.replicated.clear();
        M::set(self.profile);
        let reply = M::dispatch(&mut self.keyspace, words, self.protocol);
        let reply = reply.expect("a command of the table");
        resp::assert_reply(&reply, self.protocol);
        let after = M::states(&self.keyspace);
        self.compare(row, &after, reply.starts_with(b"-"), &shown(words));
        self.replicate(words, &after);
        self.states = after;
    }

    /// Checks what was announced against what changed.
    fn compare(&self, row: &Row, after: &States, failed: bool, line: &str) {
        let Keyspace { events, touched, replicated, .. } = &self.keyspace;
        let changed = self.states != *after;
        assert!(!changed || !failed, "an error changed something: {line}");
        assert!(replicated.is_empty() == events.is_empty(), "{replicated:?} {events:?}: {line}");
        assert!(!changed || row.access != Access::Read, "a read changed something: {line}");
        let announced = |key: &[u8]| {
            let mut named = events.iter().map(|(named, _)| named).chain(touched);
            named.any(|named| named == key)
        };
        for (key, _) in self.states.iter().filter(|entry| !after.contains(entry)) {
            assert!(announced(key), "no event for {}: {line}", key.escape_ascii());
        }
        for (key, _) in after.iter().filter(|entry| !self.states.contains(entry)) {
            assert!(announced(key), "no event for {}: {line}", key.escape_ascii());
        }
        assert!(changed || events.is_empty() || !M::is_exact(row), "{events:?}: {line}");
    }

    /// Runs on the replica what the primary hands it: its keys must hold the same afterwards.
    fn replicate(&mut self, words: &[&[u8]], after: &States) {
        M::set(!self.profile);
        for line in &self.keyspace.replicated {
            let line: Vec<&[u8]> = line.iter().map(Vec::as_slice).collect();
            let line = if line.is_empty() { words } else { &line };
            let reply = M::dispatch(&mut self.replica, line, Protocol::Resp2);
            let reply = reply.expect("a command of the table");
            assert!(!reply.starts_with(b"-"), "{} of {}", reply.escape_ascii(), shown(line));
        }
        let states = M::states(&self.replica);
        assert_eq!(&states, after, "the replica differs after {}", shown(words));
    }
}
