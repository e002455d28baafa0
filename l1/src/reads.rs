//! Reads by name, typed: each is [`command`](crate::L1::command) with its reply parsed.
//!
//! All of them are cached until a key of theirs changes. The bytes of what is returned are copied
//! out of the cache at each call; for large replies use `command` and look into its `Reply`.

use redis::FromRedisValue;

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
}
