//! A cached reply, and the objects that were decoded from it.

use std::any::{Any, TypeId};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use redis::Value;

use crate::clock::Moment;

/// A reply and until when it may be served.
#[derive(Debug)]
pub struct Entry {
    epoch: u64,
    deadline: Moment,
    bytes: usize,
    value: Value,
    objects: Objects,
}

impl Entry {
    /// A reply of this epoch of the connection (see [`Freshness`](crate::tracking::Freshness)).
    #[must_use]
    pub fn new(epoch: u64, deadline: Moment, value: Value) -> Self {
        let block = size_of::<Self>().saturating_add(ARC_HEADER);
        let bytes = block.saturating_add(owned_bytes(&value));
        Self { epoch, deadline, bytes, value, objects: Objects::default() }
    }

    /// The epoch of the connection that it came in.
    #[must_use]
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// From then on it is not served.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// The reply.
    #[must_use]
    #[inline]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Bytes allocated for it, as asked of the allocator: this block with its counts, and what the
    /// reply owns. Decoded objects are not in it: their types do not tell their size.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The object that `decode` makes of the reply: made by the first who asks, shared by all.
    ///
    /// Objects are told apart by the type `K`, which must stand for one way to decode. An error is
    /// not kept. Two callers at once may both decode; one's object is kept and both get that one.
    pub fn object<K, T, E>(&self, decode: impl FnOnce(&Value) -> Result<T, E>) -> Result<Arc<T>, E>
    where
        K: 'static,
        T: Any + Send + Sync,
    {
        let kind = TypeId::of::<(K, T)>();
        if let Some(object) = self.objects.find(kind) {
            return Ok(object);
        }
        let made = Arc::new(decode(&self.value)?);
        Ok(self.objects.keep(kind, made))
    }
}

/// What an `Arc` allocates besides its value.
pub(crate) const ARC_HEADER: usize = 16;

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
        Entry::new(1, Moment::ORIGIN, Value::BulkString(bytes.to_vec()))
    }

    fn length(value: &Value) -> Result<usize, ()> {
        if let Value::BulkString(bytes) = value { Ok(bytes.len()) } else { Err(()) }
    }

    #[test]
    fn an_object_is_decoded_once_for_each_kind() {
        let entry = entry(b"12");
        let first = entry.object::<u8, _, _>(length).unwrap();
        assert!(Arc::ptr_eq(&first, &entry.object::<u8, _, _>(length).unwrap()));
        let text = |value: &Value| Ok::<_, ()>(format!("{value:?}"));
        let second = entry.object::<u8, _, _>(text).unwrap();
        assert!(Arc::ptr_eq(&second, &entry.object::<u8, _, _>(text).unwrap()));
        let double = |value: &Value| length(value).map(|length| length * 2);
        assert_eq!((*first, *entry.object::<u16, _, _>(double).unwrap()), (2, 4));
        assert_eq!(*entry.object::<u16, _, _>(length).unwrap(), 4);
        assert!(Arc::ptr_eq(&first, &entry.object::<u8, _, _>(length).unwrap()));
    }

    #[test]
    fn a_failure_to_decode_is_not_kept() {
        let fail = |_: &Value| Err::<usize, _>("no");
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
        assert_eq!(entry(b"1234567").bytes(), empty + 7);
    }
}
