//! What is asked of every value, whatever it was made of.

use keyspan_bloom::commands;
use keyspan_common::{
    data_type::DataType,
    keyspace::Keyspace,
    rdb::{Value, load_dump, save_dump},
    resp::Protocol,
};

use super::{CountMin, Cuckoo, Filter, TDigest, TopK, probes, types};
use crate::{
    lines::{States, replica, shown},
    resp,
    value::{RDB_VERSION, assert_sound, digest},
};

/// The key that values are put at.
pub(super) const KEY: &[u8] = b"k";

/// A type of the module.
pub(super) trait Stored: DataType {
    /// The category of its commands.
    const CATEGORY: &'static str;

    /// The encodings in which a value is saved: the first one whole, the others as far as a peer
    /// knows of it.
    fn versions(&self) -> &'static [u32];
}

macro_rules! stored {
    ($($value:ident $category:literal $versions:expr,)*) => {
        $(impl Stored for $value {
            const CATEGORY: &'static str = $category;

            fn versions(&self) -> &'static [u32] {
                $versions
            }
        })*
    };
}

stored! {
    Cuckoo "cuckoo" &[4],
    CountMin "cms" &[0],
    TopK "topk" &[0],
    TDigest "tdigest" &[1, 0],
}

impl Stored for Filter {
    const CATEGORY: &'static str = "bloom";

    fn versions(&self) -> &'static [u32] {
        if Self::TYPE_NAMES[self.type_index()] == "MBbloom--" { &[4] } else { &[1] }
    }
}

/// Panics unless the value is sound and comes back from what it saves and from what it is rewritten to.
pub(super) fn assert_stored<V: Stored>(value: &V) {
    let [whole, others @ ..] = value.versions() else { unreachable!("no version") };
    assert_sound(value, *whole);
    for version in others {
        let saved = save_dump(value, *version, RDB_VERSION).expect("a version");
        assert!(load_dump::<V>(&saved).is_ok(), "version {version} of what was saved loads");
    }
    let mut rewritten = replica();
    value.rewrite(&mut |command, arguments| {
        let words: Vec<&[u8]> =
            [command.as_bytes(), KEY].into_iter().chain(arguments.iter().copied()).collect();
        obey::<V>(&mut rewritten, &words);
    });
    let made = rewritten.value::<V>(KEY).expect("a rewritten value is there");
    assert!(digest(made) == digest(value), "a rewritten value differs");
}

/// One command of the AOF.
fn obey<V: Stored>(keyspace: &mut Keyspace, words: &[&[u8]]) {
    if let [b"RESTORE", key, b"0", payload] = words {
        return keyspace.put(key, load_dump::<V>(payload).expect("what was rewritten loads"));
    }
    let reply = commands::dispatch(keyspace, words, Protocol::Resp2).expect("a command");
    assert!(!reply.starts_with(b"-"), "{} of {}", reply.escape_ascii(), shown(words));
}

/// Runs all commands of the type on the value: each answers, and leaves a value in order.
pub(super) fn assert_answers<V: Stored>(value: &V) {
    assert_stored(value);
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut keyspace = Keyspace::default();
        keyspace.put(KEY, value.clone());
        for line in probes::lines(V::CATEGORY) {
            let reply = commands::dispatch(&mut keyspace, &line, protocol).expect("a command");
            resp::assert_reply(&reply, protocol);
        }
        let changed = keyspace.value::<V>(KEY).expect("no command deletes");
        assert_stored(changed);
    }
}

/// The digests of all values, by key; each is checked.
pub(super) fn states(keyspace: &Keyspace) -> States {
    let mut states = States::new();
    macro_rules! collect {
        ($($value:ident)*) => {
            $(for (key, value) in keyspace.values::<$value>() {
                assert_stored(value);
                let kind = <$value as Stored>::CATEGORY.as_bytes();
                states.push((key.to_vec(), [kind, &digest(value)].concat()));
            })*
        };
    }
    types!(collect);
    states.sort();
    states
}
