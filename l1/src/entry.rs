//! A cached reply, and the objects that were decoded from it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use once_cell::race::OnceBox;
use redis::Value;
use triomphe::ThinArc;

use crate::clock::Moment;
use crate::id::{Kind, Lookup};

/// A reply with its name, and until when it may be served. Clones are the same.
///
/// ```text
/// one block: | count | head: hash, epoch, deadline, ... | length | name | bytes of a string |
/// ```
///
/// Everything that a hit looks at is in one block, in the order in which it looks. Replies to `GET`
/// are in the block whole; others are allocated beside it.
#[derive(Clone)]
pub struct Entry(pub(crate) ThinArc<Head, u8>);

/// What is known of a reply besides its bytes: 40 bytes, so that with the counts and a name of 64 bytes
/// the value starts within two cache lines.
#[derive(Debug)]
pub(crate) struct Head {
    hash: u64,
    epoch: u64,
    nature: Nature,
    beside: OnceBox<Beside>,
    name_len: u32,
    pub(crate) mark: Mark,
}

const _: () = assert!(size_of::<Head>() == 40, "every hit reads it");

/// Until when it may be served, and what it is, in one word: 48 bits of milliseconds, kind, form.
#[derive(Clone, Copy)]
struct Nature(u64);

/// The last deadline there is, 8,900 years after the origin.
const DEADLINE_MAX: u64 = (1 << 48) - 1;

impl Nature {
    fn new(deadline: Moment, kind: Kind, form: Form) -> Self {
        let millis = deadline.as_millis().min(DEADLINE_MAX);
        Self(millis << 16 | u64::from(kind as u8) << 8 | u64::from(form as u8))
    }

    #[inline]
    const fn deadline(self) -> Moment {
        Moment::from_millis(self.0 >> 16)
    }

    #[inline]
    const fn is(self, kind: Kind) -> bool {
        self.0 >> 8 & 0xff == kind as u64
    }

    #[inline]
    const fn kind(self) -> Kind {
        match self.0 >> 8 & 0xff {
            0 => Kind::Absent,
            1 => Kind::Command,
            _ => Kind::Get,
        }
    }

    #[inline]
    const fn form(self) -> Form {
        match self.0 & 0xff {
            0 => Form::Null,
            1 => Form::String,
            _ => Form::Other,
        }
    }
}

impl fmt::Debug for Nature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.deadline(), self.kind(), self.form()).fmt(f)
    }
}

/// What a store writes on its entries: how often one was wanted (two bits), and where it has it.
#[derive(Debug, Default)]
pub(crate) struct Mark(AtomicU32);

const WANTED_BITS: u32 = 2;
const WANTED: u32 = (1 << WANTED_BITS) - 1;

/// No store has more places.
pub(crate) const PLACE_MAX: u32 = u32::MAX >> WANTED_BITS;

impl Mark {
    /// It was wanted once more. Counts to `most`, three at most, and then writes nothing.
    #[inline]
    pub(crate) fn want(&self, most: u32) {
        let mark = self.0.load(Ordering::Relaxed);
        if mark & WANTED < most.min(WANTED) {
            let more = mark.wrapping_add(1);
            // Wants of two threads at once may count as one.
            let _ = self.0.compare_exchange(mark, more, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// How often it was wanted.
    pub(crate) fn wanted(&self) -> u32 {
        self.0.load(Ordering::Relaxed) & WANTED
    }

    /// From now on it was wanted so often.
    pub(crate) fn set_wanted(&self, times: u32) {
        let set = |mark: u32| Some(mark & !WANTED | times.min(WANTED));
        // Never refused.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
    }

    /// Where the store has it.
    pub(crate) fn place(&self) -> u32 {
        self.0.load(Ordering::Relaxed) >> WANTED_BITS
    }

    /// Says where the store has it, [`PLACE_MAX`] at most, before readers can find it.
    pub(crate) fn set_place(&self, place: u32) {
        self.0.store(place << WANTED_BITS, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Null = 0,
    /// Behind the name.
    String = 1,
    /// In [`Beside`].
    Other = 2,
}

/// What is not in the block.
#[derive(Debug)]
struct Beside {
    value: Value,
    objects: Objects,
}

impl Entry {
    /// A reply of this epoch of the connection (see [`Freshness`](crate::tracking::Freshness)).
    #[must_use]
    pub fn new(name: Lookup<'_>, epoch: u64, deadline: Moment, value: Value) -> Self {
        // No server takes a longer name, so nobody looks for it.
        let (name_len, bytes) =
            u32::try_from(name.bytes().len()).map_or((0, &[][..]), |len| (len, name.bytes()));
        let mut joined = Vec::new();
        let (form, beside) = match (name.kind(), value) {
            (_, Value::Nil) => (Form::Null, None),
            (Kind::Get, Value::BulkString(string)) => {
                joined = [bytes, &string].concat();
                (Form::String, None)
            }
            (_, value) => (Form::Other, Some(value)),
        };
        let head = Head {
            hash: name.hash(),
            epoch,
            nature: Nature::new(deadline, name.kind(), form),
            beside: beside
                .map_or_else(OnceBox::new, |value| OnceBox::with_value(Beside::boxed(value))),
            name_len,
            mark: Mark::default(),
        };
        let bytes = if form == Form::String { &joined } else { bytes };
        Self(ThinArc::from_header_and_slice(head, bytes))
    }

    #[inline]
    fn head(&self) -> &Head {
        &self.0.header.header
    }

    /// What the store has noted.
    #[inline]
    pub(crate) fn mark(&self) -> &Mark {
        &self.head().mark
    }

    /// The name that it is found by.
    #[must_use]
    #[inline]
    pub fn lookup(&self) -> Lookup<'_> {
        let (head, name) = (self.head(), self.0.slice.get(..self.head().name_len as usize));
        Lookup::known(head.hash, head.nature.kind(), name.unwrap_or_default())
    }

    /// Whether this is its name.
    #[inline]
    pub(crate) fn is_named(&self, name: Lookup<'_>) -> bool {
        let head = self.head();
        head.hash == name.hash()
            && head.nature.is(name.kind())
            && self.0.slice.get(..head.name_len as usize) == Some(name.bytes())
    }

    /// The epoch of the connection that it came in.
    #[must_use]
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.head().epoch
    }

    /// From then on it is not served.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Moment {
        self.head().nature.deadline()
    }

    /// Whether the reply is a null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.head().nature.form() == Form::Null
    }

    /// The bytes of a reply that is a string.
    #[must_use]
    #[inline]
    pub fn string(&self) -> Option<&[u8]> {
        let head = self.head();
        if head.nature.form() == Form::String {
            return self.0.slice.get(head.name_len as usize..);
        }
        let value = &head.beside.get()?.value;
        if let Value::SimpleString(text) | Value::VerbatimString { text, .. } = value {
            return Some(text.as_bytes());
        }
        if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
    }

    /// The reply; None for strings that are replies to `GET`: see [`Self::string`].
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self.head().nature.form() {
            Form::Null => Some(&Value::Nil),
            Form::String => None,
            Form::Other => self.head().beside.get().map(|beside| &beside.value),
        }
    }

    /// Bytes allocated for it, as asked of the allocator: the block, and what the reply owns beside
    /// it. Decoded objects are not in it: their types do not tell their size.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let block =
            BLOCK_BYTES.saturating_add(self.0.slice.len()).next_multiple_of(align_of::<Head>());
        if self.head().nature.form() == Form::Other {
            let owned = self.value().map_or(0, owned_bytes);
            return block.saturating_add(size_of::<Beside>()).saturating_add(owned);
        }
        block
    }

    /// The object that `decode` makes of the reply: made by the first who asks, shared by all.
    ///
    /// Objects are told apart by the type `K`, which must stand for one way to decode. An error is
    /// not kept. Two callers at once may both decode; one's object is kept and both get that one.
    pub fn object<K, T, E>(&self, decode: impl FnOnce(&Self) -> Result<T, E>) -> Result<Arc<T>, E>
    where
        K: 'static,
        T: Any + Send + Sync,
    {
        let kind = TypeId::of::<(K, T)>();
        let beside = &self.head().beside;
        if let Some(object) = beside.get().and_then(|beside| beside.objects.find(kind)) {
            return Ok(object);
        }
        let made = Arc::new(decode(self)?);
        Ok(beside.get_or_init(|| Beside::boxed(Value::Nil)).objects.keep(kind, made))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(self.head()).field(&self.lookup()).finish()
    }
}

impl Beside {
    fn boxed(value: Value) -> Box<Self> {
        Box::new(Self { value, objects: Objects::default() })
    }
}

/// Bytes of a block without name and string: the count, the head and the length.
pub const BLOCK_BYTES: usize = size_of::<Head>() + 16;

type Object = Arc<dyn Any + Send + Sync>;
/// Decoded objects by the type of their decoder. Nearly every reply has one decoder.
#[derive(Default, Debug)]
struct Objects {
    first: OnceLock<(TypeId, Object)>,
    more: Mutex<Vec<(TypeId, Object)>>,
}

impl Objects {
    fn find<T: Any + Send + Sync>(&self, kind: TypeId) -> Option<Arc<T>> {
        let (first, object) = self.first.get()?;
        if *first == kind {
            return Arc::clone(object).downcast().ok();
        }
        let more = self.more.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, object) = more.iter().find(|(other, _)| *other == kind)?;
        Arc::clone(object).downcast().ok()
    }

    /// Keeps the object unless there is one already, and gives the one that is kept.
    fn keep<T: Any + Send + Sync>(&self, kind: TypeId, made: Arc<T>) -> Arc<T> {
        let object: Object = Arc::<T>::clone(&made);
        let (first, _) = self.first.get_or_init(|| (kind, Arc::clone(&object)));
        if *first != kind {
            let mut more = self.more.lock().unwrap_or_else(PoisonError::into_inner);
            if !more.iter().any(|(other, _)| *other == kind) {
                more.push((kind, object));
            }
        }
        self.find(kind).unwrap_or(made)
    }
}

/// Bytes allocated by a reply besides its own struct.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum may grow")]
fn owned_bytes(value: &Value) -> usize {
    match value {
        Value::BulkString(bytes) | Value::BigNumber(bytes) => bytes.capacity(),
        Value::SimpleString(text) => text.capacity(),
        Value::VerbatimString { text, .. } => text.capacity(),
        Value::Array(items) | Value::Set(items) => list_bytes(items),
        Value::Push { data, .. } => list_bytes(data),
        Value::Map(pairs) => pairs_bytes(pairs),
        Value::Attribute { data, attributes } => size_of::<Value>()
            .saturating_add(owned_bytes(data))
            .saturating_add(pairs_bytes(attributes)),
        // Scalars own nothing; errors are never kept; a kind that this version of the library does
        // not know yet cannot come out of its parser.
        _ => 0,
    }
}

fn list_bytes(items: &Vec<Value>) -> usize {
    let slots = items.capacity().saturating_mul(size_of::<Value>());
    items.iter().fold(slots, |sum, item| sum.saturating_add(owned_bytes(item)))
}

fn pairs_bytes(pairs: &Vec<(Value, Value)>) -> usize {
    let slots = pairs.capacity().saturating_mul(size_of::<(Value, Value)>());
    pairs.iter().fold(slots, |sum, (name, value)| {
        sum.saturating_add(owned_bytes(name)).saturating_add(owned_bytes(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: &[u8]) -> Entry {
        new(Kind::Get, Value::BulkString(bytes.to_vec()))
    }

    fn new(kind: Kind, value: Value) -> Entry {
        Entry::new(Lookup::new(kind, b"name"), 1, Moment::ORIGIN, value)
    }

    fn length(entry: &Entry) -> Result<usize, ()> {
        entry.string().map(<[u8]>::len).ok_or(())
    }

    #[test]
    fn a_reply_is_what_it_was() {
        for kind in [Kind::Get, Kind::Command] {
            let (string, int) = (Value::BulkString(b"12".to_vec()), Value::Int(12));
            let inline = kind == Kind::Get;
            let check = |value: &Value, string: Option<&[u8]>, kept: Option<&Value>| {
                let entry = new(kind, value.clone());
                assert_eq!(entry.lookup(), Lookup::new(kind, b"name"));
                assert_eq!((entry.string(), entry.value()), (string, kept), "{kind:?} {value:?}");
                assert_eq!(entry.is_null(), *value == Value::Nil);
            };
            check(&string, Some(b"12"), (!inline).then_some(&string));
            check(&int, None, Some(&int));
            check(&Value::Nil, None, Some(&Value::Nil));
        }
    }

    #[test]
    fn deadlines_and_names_are_what_they_were() {
        let last = Moment::from_millis(DEADLINE_MAX);
        for (given, kept) in [
            (Moment::ORIGIN, Moment::ORIGIN),
            (Moment::from_millis(1), Moment::from_millis(1)),
            (last, last),
            (Moment::from_millis(u64::MAX), last),
        ] {
            for kind in [Kind::Absent, Kind::Command, Kind::Get] {
                let name = Lookup::new(kind, b"name");
                let entry = Entry::new(name, 1, given, Value::Int(1));
                assert_eq!((entry.deadline(), entry.lookup()), (kept, name));
                assert!(entry.is_named(name));
                assert!(!entry.is_named(Lookup::known(name.hash(), kind, b"nam")));
                let other = if kind == Kind::Get { Kind::Absent } else { Kind::Get };
                assert!(!entry.is_named(Lookup::known(name.hash(), other, b"name")));
            }
        }
    }

    #[test]
    fn wants_do_not_touch_the_place() {
        let mark = Mark::default();
        mark.set_place(PLACE_MAX);
        (0..5).for_each(|_| mark.want(2));
        assert_eq!((mark.wanted(), mark.place()), (2, PLACE_MAX));
        (0..5).for_each(|_| mark.want(9));
        assert_eq!((mark.wanted(), mark.place()), (3, PLACE_MAX));
        mark.set_wanted(1);
        assert_eq!((mark.wanted(), mark.place()), (1, PLACE_MAX));
    }

    #[test]
    fn an_object_is_decoded_once_for_each_kind() {
        let entry = entry(b"12");
        let first = entry.object::<u8, _, _>(length).unwrap();
        assert!(Arc::ptr_eq(&first, &entry.object::<u8, _, _>(length).unwrap()));
        let text = |entry: &Entry| Ok::<_, ()>(format!("{entry:?}"));
        let second = entry.object::<u8, _, _>(text).unwrap();
        assert!(Arc::ptr_eq(&second, &entry.object::<u8, _, _>(text).unwrap()));
        let double = |entry: &Entry| length(entry).map(|length| length * 2);
        assert_eq!((*first, *entry.object::<u16, _, _>(double).unwrap()), (2, 4));
        assert_eq!(*entry.object::<u16, _, _>(length).unwrap(), 4);
        assert!(Arc::ptr_eq(&first, &entry.object::<u8, _, _>(length).unwrap()));
    }

    #[test]
    fn a_failure_to_decode_is_not_kept() {
        let fail = |_: &Entry| Err::<usize, _>("no");
        let entry = entry(b"12");
        assert_eq!(entry.object::<u8, _, _>(fail).unwrap_err(), "no");
        assert_eq!(*entry.object::<u8, _, _>(length).unwrap(), 2);
    }

    #[test]
    fn bytes_count_what_is_allocated() {
        let check =
            |value: Value, owned: usize| assert_eq!(owned_bytes(&value), owned, "{value:?}");
        let slot = size_of::<Value>();
        check(Value::Nil, 0);
        check(Value::BulkString(b"abc".to_vec()), 3);
        check(Value::Array(vec![Value::Int(1), Value::BulkString(vec![0; 9])]), 2 * slot + 9);
        check(Value::Map(vec![(Value::SimpleString("ab".into()), Value::Nil)]), 2 * slot + 2);
        let empty = entry(b"").bytes();
        assert_eq!(entry(b"12345678").bytes(), empty + 8);
        let command = new(Kind::Command, Value::BulkString(b"12345678".to_vec()));
        assert_eq!(command.bytes(), empty + size_of::<Beside>() + 8);
    }
}
