//! Reads by name, typed: each is [`command`](crate::L1::command) with its reply parsed.
//!
//! All of them are cached until a key of theirs changes. The bytes of what is returned are copied
//! out of the cache at each call; for large replies use `command` and look into its `Reply`.

use redis::{FromRedisValue, Value};

use crate::async_handle::AsyncL1;
use crate::error::Error;
use crate::handle::L1;

impl L1 {
    /// `HGET key field`: a field of a hash.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn hget(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.command(&[&b"HGET"[..], key.as_ref(), field.as_ref()])?.parse()
    }

    /// `HGETALL key`: a hash, as any map or list of pairs; empty when there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn hgetall<T: FromRedisValue>(&self, key: impl AsRef<[u8]>) -> Result<T, Error> {
        self.command(&[&b"HGETALL"[..], key.as_ref()])?.parse()
    }

    /// `SMEMBERS key`: a set, as any set or list; empty when there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn smembers<T: FromRedisValue>(&self, key: impl AsRef<[u8]>) -> Result<T, Error> {
        self.command(&[&b"SMEMBERS"[..], key.as_ref()])?.parse()
    }

    /// `ZRANGE key start stop`: members of a sorted set by rank, from 0; -1 is the last.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn zrange<T: FromRedisValue>(
        &self,
        key: impl AsRef<[u8]>,
        start: i64,
        stop: i64,
    ) -> Result<T, Error> {
        let (start, stop) = (start.to_string(), stop.to_string());
        self.command(&[&b"ZRANGE"[..], key.as_ref(), start.as_bytes(), stop.as_bytes()])?.parse()
    }

    /// `JSON.GET key path`: the text of a document's values. See [`json`](Self::json) for objects.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn json_get(
        &self,
        key: impl AsRef<[u8]>,
        path: impl AsRef<[u8]>,
    ) -> Result<Option<String>, Error> {
        self.command(&[&b"JSON.GET"[..], key.as_ref(), path.as_ref()])?.parse()
    }

    /// `JSON.MGET key ... path`: the texts of many documents' values, in the order of the keys.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn json_mget(
        &self,
        keys: &[impl AsRef<[u8]>],
        path: impl AsRef<[u8]>,
    ) -> Result<Vec<Option<String>>, Error> {
        let mut words: Vec<&[u8]> = vec![b"JSON.MGET"];
        words.extend(keys.iter().map(AsRef::as_ref));
        words.push(path.as_ref());
        self.command(&words)?.parse()
    }

    /// `BF.EXISTS key item`: whether a Bloom filter may have the item.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn bf_exists(&self, key: impl AsRef<[u8]>, item: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.command(&[&b"BF.EXISTS"[..], key.as_ref(), item.as_ref()])?.parse()
    }

    /// `BF.MEXISTS key item ...`: of each item whether a Bloom filter may have it.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn bf_mexists(
        &self,
        key: impl AsRef<[u8]>,
        items: &[impl AsRef<[u8]>],
    ) -> Result<Vec<bool>, Error> {
        let mut words: Vec<&[u8]> = vec![b"BF.MEXISTS", key.as_ref()];
        words.extend(items.iter().map(AsRef::as_ref));
        self.command(&words)?.parse()
    }

    /// `CF.EXISTS key item`: whether a cuckoo filter may have the item.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn cf_exists(&self, key: impl AsRef<[u8]>, item: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.command(&[&b"CF.EXISTS"[..], key.as_ref(), item.as_ref()])?.parse()
    }

    /// `CMS.QUERY key item ...`: of each item how often a count-min sketch has seen it, or more.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn cms_query(
        &self,
        key: impl AsRef<[u8]>,
        items: &[impl AsRef<[u8]>],
    ) -> Result<Vec<u64>, Error> {
        let mut words: Vec<&[u8]> = vec![b"CMS.QUERY", key.as_ref()];
        words.extend(items.iter().map(AsRef::as_ref));
        self.command(&words)?.parse()
    }

    /// `TOPK.QUERY key item ...`: of each item whether it is among the most frequent.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn topk_query(
        &self,
        key: impl AsRef<[u8]>,
        items: &[impl AsRef<[u8]>],
    ) -> Result<Vec<bool>, Error> {
        let mut words: Vec<&[u8]> = vec![b"TOPK.QUERY", key.as_ref()];
        words.extend(items.iter().map(AsRef::as_ref));
        self.command(&words)?.parse()
    }

    /// `FT.SEARCH index query more ...`: documents by a query. Cached until a document of the index
    /// changes: the server tells of the index by its name.
    ///
    /// Only `Keyspan`'s search module tells; with another one the reply is not cached, because it
    /// says that the command has no keys. In a cluster the index's name must be in a slot of the node.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub fn ft_search(
        &self,
        index: impl AsRef<[u8]>,
        query: impl AsRef<[u8]>,
        more: &[impl AsRef<[u8]>],
    ) -> Result<Found, Error> {
        found(&*self.command(&search(index.as_ref(), query.as_ref(), more))?)
    }
}

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// How many documents match, those not among [`Self::documents`] included.
    pub total: u64,
    /// The documents of the page that was asked for, in their order.
    pub documents: Vec<Document>,
}

/// A document that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Its key.
    pub key: Vec<u8>,
    /// Names and values of its fields; a JSON document's is `$`, its text.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Found {
    /// Reads the reply of FT.SEARCH, a map in RESP3.
    fn read(reply: &Value) -> Option<Self> {
        let Value::Int(total) = field(reply, "total_results")? else { return None };
        let Value::Array(results) = field(reply, "results")? else { return None };
        let documents: Option<_> = results.iter().map(Document::read).collect();
        Some(Self { total: u64::try_from(*total).ok()?, documents: documents? })
    }
}

impl Document {
    fn read(result: &Value) -> Option<Self> {
        let key = bytes(field(result, "id")?)?;
        let fields = match field(result, "extra_attributes") {
            Some(Value::Map(pairs)) => {
                pairs.iter().map(|(name, value)| Some((bytes(name)?, bytes(value)?))).collect()
            }
            _ => Some(Vec::new()),
        };
        Some(Self { key, fields: fields? })
    }
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(pairs) = map else { return None };
    let is = |key: &Value| bytes(key).is_some_and(|key| key == name.as_bytes());
    pairs.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    if let Value::SimpleString(text) = value {
        return Some(text.clone().into_bytes());
    }
    if let Value::BulkString(bytes) = value { Some(bytes.clone()) } else { None }
}

/// `FT.SEARCH index query ...`.
fn search<'a>(index: &'a [u8], query: &'a [u8], more: &'a [impl AsRef<[u8]>]) -> Vec<&'a [u8]> {
    [b"FT.SEARCH", index, query].into_iter().chain(more.iter().map(AsRef::as_ref)).collect()
}

fn found(reply: &Value) -> Result<Found, Error> {
    Found::read(reply).ok_or_else(|| Error::Decode("no reply of FT.SEARCH".into()))
}

impl AsyncL1 {
    /// `HGET key field`: a field of a hash.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn hget(
        &self,
        key: impl AsRef<[u8]> + Send,
        field: impl AsRef<[u8]> + Send,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.command(&[&b"HGET"[..], key.as_ref(), field.as_ref()]).await?.parse()
    }

    /// `HGETALL key`: a hash, as any map or list of pairs; empty when there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn hgetall<T: FromRedisValue>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<T, Error> {
        self.command(&[&b"HGETALL"[..], key.as_ref()]).await?.parse()
    }

    /// `SMEMBERS key`: a set, as any set or list; empty when there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn smembers<T: FromRedisValue>(
        &self,
        key: impl AsRef<[u8]> + Send,
    ) -> Result<T, Error> {
        self.command(&[&b"SMEMBERS"[..], key.as_ref()]).await?.parse()
    }

    /// `ZRANGE key start stop`: members of a sorted set by rank, from 0; -1 is the last.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn zrange<T: FromRedisValue>(
        &self,
        key: impl AsRef<[u8]> + Send,
        start: i64,
        stop: i64,
    ) -> Result<T, Error> {
        let (start, stop) = (start.to_string(), stop.to_string());
        self.command(&[&b"ZRANGE"[..], key.as_ref(), start.as_bytes(), stop.as_bytes()])
            .await?
            .parse()
    }

    /// `JSON.GET key path`: the text of a document's values. See [`json`](Self::json) for objects.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn json_get(
        &self,
        key: impl AsRef<[u8]> + Send,
        path: impl AsRef<[u8]> + Send,
    ) -> Result<Option<String>, Error> {
        self.command(&[&b"JSON.GET"[..], key.as_ref(), path.as_ref()]).await?.parse()
    }

    /// `JSON.MGET key ... path`: the texts of many documents' values, in the order of the keys.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn json_mget(
        &self,
        keys: &[impl AsRef<[u8]> + Sync],
        path: impl AsRef<[u8]> + Send,
    ) -> Result<Vec<Option<String>>, Error> {
        let mut words: Vec<&[u8]> = vec![b"JSON.MGET"];
        words.extend(keys.iter().map(AsRef::as_ref));
        words.push(path.as_ref());
        self.command(&words).await?.parse()
    }

    /// `BF.EXISTS key item`: whether a Bloom filter may have the item.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn bf_exists(
        &self,
        key: impl AsRef<[u8]> + Send,
        item: impl AsRef<[u8]> + Send,
    ) -> Result<bool, Error> {
        self.command(&[&b"BF.EXISTS"[..], key.as_ref(), item.as_ref()]).await?.parse()
    }

    /// `BF.MEXISTS key item ...`: of each item whether a Bloom filter may have it.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn bf_mexists(
        &self,
        key: impl AsRef<[u8]> + Send,
        items: &[impl AsRef<[u8]> + Sync],
    ) -> Result<Vec<bool>, Error> {
        let mut words: Vec<&[u8]> = vec![b"BF.MEXISTS", key.as_ref()];
        words.extend(items.iter().map(AsRef::as_ref));
        self.command(&words).await?.parse()
    }

    /// `CF.EXISTS key item`: whether a cuckoo filter may have the item.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn cf_exists(
        &self,
        key: impl AsRef<[u8]> + Send,
        item: impl AsRef<[u8]> + Send,
    ) -> Result<bool, Error> {
        self.command(&[&b"CF.EXISTS"[..], key.as_ref(), item.as_ref()]).await?.parse()
    }

    /// `CMS.QUERY key item ...`: of each item how often a count-min sketch has seen it, or more.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn cms_query(
        &self,
        key: impl AsRef<[u8]> + Send,
        items: &[impl AsRef<[u8]> + Sync],
    ) -> Result<Vec<u64>, Error> {
        let mut words: Vec<&[u8]> = vec![b"CMS.QUERY", key.as_ref()];
        words.extend(items.iter().map(AsRef::as_ref));
        self.command(&words).await?.parse()
    }

    /// `TOPK.QUERY key item ...`: of each item whether it is among the most frequent.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn topk_query(
        &self,
        key: impl AsRef<[u8]> + Send,
        items: &[impl AsRef<[u8]> + Sync],
    ) -> Result<Vec<bool>, Error> {
        let mut words: Vec<&[u8]> = vec![b"TOPK.QUERY", key.as_ref()];
        words.extend(items.iter().map(AsRef::as_ref));
        self.command(&words).await?.parse()
    }

    /// `FT.SEARCH index query more ...`: documents by a query. Cached until a document of the index
    /// changes: the server tells of the index by its name.
    ///
    /// Only `Keyspan`'s search module tells; with another one the reply is not cached, because it
    /// says that the command has no keys. In a cluster the index's name must be in a slot of the node.
    ///
    /// # Errors
    ///
    /// As [`Self::command`], and [`Error::Decode`] when the reply is of another shape.
    pub async fn ft_search(
        &self,
        index: impl AsRef<[u8]> + Send,
        query: impl AsRef<[u8]> + Send,
        more: &[impl AsRef<[u8]> + Sync],
    ) -> Result<Found, Error> {
        found(&*self.command(&search(index.as_ref(), query.as_ref(), more)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simple(text: &str) -> Value {
        Value::SimpleString(text.into())
    }

    #[test]
    fn a_search_is_read() {
        let fields = Value::Map(vec![(simple("title"), Value::BulkString(b"x".to_vec()))]);
        let id = (simple("id"), Value::BulkString(b"doc:1".to_vec()));
        let full = Value::Map(vec![id.clone(), (simple("extra_attributes"), fields)]);
        let bare = Value::Map(vec![id, (simple("values"), Value::Array(Vec::new()))]);
        let reply = Value::Map(vec![
            (simple("total_results"), Value::Int(7)),
            (simple("results"), Value::Array(vec![full, bare])),
        ]);
        let found = Found::read(&reply).unwrap();
        let document = |fields| Document { key: b"doc:1".to_vec(), fields };
        let title = (b"title".to_vec(), b"x".to_vec());
        assert_eq!(found.documents, [document(vec![title]), document(Vec::new())]);
        assert_eq!(found.total, 7);
        assert_eq!(Found::read(&Value::Array(Vec::new())), None);
    }
}
