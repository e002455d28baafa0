//! A keyspace in memory: the [`Host`] of unit tests, property tests and fuzz targets.

use std::{any::Any, collections::HashMap};

use crate::{
    args::{Arg, Args},
    command::{Arity, Command},
    host::{Host, WrongType},
    reply::Reply,
    resp::{Encoder, Protocol},
    wire::Wire,
};

/// Keys and values, and what commands announced about them.
#[derive(Debug, Default)]
pub struct Keyspace {
    keys: HashMap<Vec<u8>, Box<dyn Any>>,
    /// Key and event of every change, in order.
    pub events: Vec<(Vec<u8>, &'static str)>,
    /// Keys of changes that no event tells of, in order.
    pub touched: Vec<Vec<u8>>,
    /// The command lines handed to replicas, in order: an empty one stands for the command as it was
    /// received.
    pub replicated: Vec<Vec<Vec<u8>>>,
    /// Whether commands come from a primary.
    pub is_replica: bool,
    /// Milliseconds since 1970, as commands see them.
    pub now_ms: u64,
    /// The number of the database.
    pub database: i32,
}

/// What a key of no type of the module holds.
struct Other;

/// A command's name, and what runs a line of it.
pub type Runner = (&'static str, fn(&mut Keyspace, &[&[u8]], Protocol) -> Vec<u8>);

/// The runners of a list of commands.
#[macro_export]
macro_rules! runners_of {
    ($($command:ty),* $(,)?) => {
        &[$((<$command>::ROW.name, $crate::keyspace::Keyspace::run::<$command>)),*]
    };
}

impl Keyspace {
    /// Runs one command line, its name included, and returns the bytes of the reply.
    pub fn run<C: Command<Value: 'static>>(
        &mut self,
        words: &[&[u8]],
        protocol: Protocol,
    ) -> Vec<u8> {
        let mut reply = Encoder::new(protocol);
        let fits = match C::ROW.arity {
            Arity::AtLeast(least) => words.len() >= usize::from(least),
            Arity::Exactly(exact) => words.len() == usize::from(exact),
        };
        if !fits {
            let name = C::ROW.name;
            reply.error(&format!("ERR wrong number of arguments for '{name}' command"));
            return reply.into_bytes();
        }
        if let Err(error) = C::run(self, Args::new(words), &mut reply) {
            reply.error(&error.wire());
        }
        reply.into_bytes()
    }

    /// Runs the command line `words`, whose first word is the name of one of `runners` in any mix of
    /// cases, and returns the bytes of the reply. `None` if there is no such command.
    pub fn dispatch(
        &mut self,
        runners: &[Runner],
        words: &[&[u8]],
        protocol: Protocol,
    ) -> Option<Vec<u8>> {
        let name = words.first()?;
        let is_named = |runner: &&Runner| runner.0.as_bytes().eq_ignore_ascii_case(name);
        let (_, run) = runners.iter().find(is_named)?;
        Some(run(self, words, protocol))
    }

    /// The value at `key`, `None` if there is none or one of another type.
    pub fn value<V: 'static>(&self, key: &[u8]) -> Option<&V> {
        self.keys.get(key)?.downcast_ref()
    }

    /// The keys with values of `V`, in no order.
    pub fn values<V: 'static>(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.keys.iter().filter_map(|(key, value)| Some((key.as_slice(), value.downcast_ref()?)))
    }

    /// Stores a value at `key`.
    pub fn put<V: 'static>(&mut self, key: &[u8], value: V) {
        self.keys.insert(key.to_vec(), Box::new(value));
    }

    /// Stores a value of a type that is none of the module's.
    pub fn put_other(&mut self, key: &[u8]) {
        self.put(key, Other);
    }
}

impl<V: 'static> Host<V> for Keyspace {
    fn read(&mut self, key: Arg<'_>) -> Result<Option<&V>, WrongType> {
        Host::<V>::write(self, key).map(|value| value.map(|value| &*value))
    }

    fn write(&mut self, key: Arg<'_>) -> Result<Option<&mut V>, WrongType> {
        match self.keys.get_mut(key.bytes) {
            None => Ok(None),
            Some(value) => value.downcast_mut().map(Some).ok_or(WrongType),
        }
    }

    fn insert(&mut self, key: Arg<'_>, value: V) {
        self.put(key.bytes, value);
    }

    fn remove(&mut self, key: Arg<'_>) {
        self.keys.remove(key.bytes);
    }

    fn changed(&mut self, key: Arg<'_>, event: &'static str) {
        self.events.push((key.bytes.to_vec(), event));
    }

    fn touched(&mut self, key: Arg<'_>) {
        self.touched.push(key.bytes.to_vec());
    }

    fn replicate(&mut self) {
        self.replicated.push(Vec::new());
    }

    fn replicate_as(&mut self, command: &'static str, args: &[&[u8]]) {
        let words = [command.as_bytes()].into_iter().chain(args.iter().copied());
        self.replicated.push(words.map(<[u8]>::to_vec).collect());
    }

    fn is_replicated(&self) -> bool {
        self.is_replica
    }

    fn database(&self) -> i32 {
        self.database
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }
}
