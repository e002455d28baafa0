//! A keyspace in memory: the [`Host`] of unit tests, property tests and fuzz targets.

use std::collections::HashMap;

use crate::{
    args::{Arg, Args},
    command::{Arity, Command},
    host::{Host, WrongType},
    resp::{Encoder, Protocol},
    wire::Wire,
};

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored<V> {
    /// A value of another type.
    Other,
    /// A value of the module's type.
    Value(V),
}

/// Keys and values, and what commands announced about them.
#[derive(Clone, Debug)]
pub struct Keyspace<V> {
    /// The keys.
    pub keys: HashMap<Vec<u8>, Stored<V>>,
    /// Key and event of every change, in order.
    pub events: Vec<(Vec<u8>, &'static str)>,
    /// How many commands were handed to replicas.
    pub replicated: usize,
}

impl<V> Default for Keyspace<V> {
    fn default() -> Self {
        Self { keys: HashMap::new(), events: Vec::new(), replicated: 0 }
    }
}

impl<V> Keyspace<V> {
    /// Runs one command line, its name included, and returns the bytes of the reply.
    pub fn run<C: Command<Value = V>>(&mut self, words: &[&[u8]], protocol: Protocol) -> Vec<u8> {
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
}

impl<V> Host for Keyspace<V> {
    type Value = V;

    fn read(&mut self, key: Arg<'_>) -> Result<Option<&V>, WrongType> {
        self.write(key).map(|value| value.map(|value| &*value))
    }

    fn write(&mut self, key: Arg<'_>) -> Result<Option<&mut V>, WrongType> {
        match self.keys.get_mut(key.bytes) {
            None => Ok(None),
            Some(Stored::Other) => Err(WrongType),
            Some(Stored::Value(value)) => Ok(Some(value)),
        }
    }

    fn insert(&mut self, key: Arg<'_>, value: V) {
        self.keys.insert(key.bytes.to_vec(), Stored::Value(value));
    }

    fn remove(&mut self, key: Arg<'_>) {
        self.keys.remove(key.bytes);
    }

    fn changed(&mut self, key: Arg<'_>, event: &'static str) {
        self.events.push((key.bytes.to_vec(), event));
    }

    fn replicate(&mut self) {
        self.replicated += 1;
    }
}
