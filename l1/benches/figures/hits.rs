//! What a hit costs, beside other caches of this process. The others neither expire entries here nor
//! check that they are fresh; but for redis-rs, which does the one.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use keyspan_l1::{KeyHandle, L1};
use redis::AsyncCommands;

use crate::draws::Zipf;
use crate::timing::{Round, dependent, interleave};

type Value = Arc<[u8]>;
pub(crate) type Quick =
    quick_cache::sync::Cache<String, Value, quick_cache::UnitWeighter, RandomState>;

/// Names of so many bytes.
pub(crate) fn names(count: usize, bytes: usize) -> Vec<String> {
    (0..count).map(|key| format!("{key:0bytes$}")).collect()
}

/// A cache that has read all of these keys.
pub(crate) fn filled(url: &str, names: &[String], value: &[u8]) -> L1 {
    let builder = L1::builder(url).capacity_bytes(1 << 30);
    let cache = builder.max_staleness(Duration::from_secs(60)).build().unwrap();
    cache.command(&["FLUSHALL"]).unwrap();
    for part in names.chunks(500) {
        let words = part.iter().flat_map(|name| [name.as_bytes(), value]);
        cache.command(&[&b"MSET"[..]].into_iter().chain(words).collect::<Vec<_>>()).unwrap();
    }
    for part in names.chunks(500) {
        cache.get_many(part).unwrap();
    }
    cache
}

pub(crate) fn quick(names: &[String], value: impl Fn() -> Value) -> Quick {
    let cache = quick_cache::sync::Cache::with(
        names.len() * 2,
        names.len() as u64 * 2,
        quick_cache::UnitWeighter,
        RandomState::default(),
        quick_cache::sync::DefaultLifecycle::default(),
    );
    names.iter().for_each(|name| cache.insert(name.clone(), value()));
    cache
}

pub(crate) fn dash(
    names: &[String],
    value: impl Fn() -> Value,
) -> dashmap::DashMap<String, Value, RandomState> {
    let map = dashmap::DashMap::with_hasher(RandomState::default());
    names.iter().for_each(|name| drop(map.insert(name.clone(), value())));
    map
}

/// redis-rs with its cache, on a runtime of this thread.
struct Redis {
    runtime: tokio::runtime::Runtime,
    connection: redis::aio::MultiplexedConnection,
}

impl Redis {
    fn new(url: &str, names: &[String]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = redis::Client::open(format!("{url}?protocol=resp3")).unwrap();
        let size = std::num::NonZeroUsize::new(names.len() * 2).unwrap();
        let cache = redis::caching::CacheConfig::new().set_size(size);
        let config = redis::AsyncConnectionConfig::new().set_cache_config(cache);
        let connect = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = runtime.block_on(connect).unwrap();
        runtime.block_on(async {
            for name in names {
                let _: Vec<u8> = connection.get(name).await.unwrap();
            }
        });
        Self { runtime, connection }
    }

    fn round<'a>(&'a self, names: &'a [String], draws: &'a [u32]) -> Round<'a> {
        Box::new(move || {
            let mut connection = self.connection.clone();
            self.runtime.block_on(async {
                let (start, mut last) = (cpu_time::ThreadTime::now(), 0);
                for &draw in draws {
                    let name = &names[draw as usize + usize::from(last)];
                    let value: Vec<u8> = connection.get(name).await.unwrap();
                    last = value[0];
                }
                vec![start.elapsed().as_nanos() as f64 / draws.len() as f64]
            })
        })
    }
}

pub(crate) fn run(url: &str) {
    for (keys, name_bytes, bytes, draws, rounds) in [
        (1000, 64, 100, 1 << 13, 150),
        (1000, 24, 100, 1 << 13, 150),
        (1000, 64, 50_000, 1 << 13, 30),
        (100_000, 64, 100, 1 << 16, 10),
    ] {
        let figure = format!("hit {keys} {name_bytes} {bytes}");
        let names = names(keys, name_bytes);
        let (drawn, zeros) = (Zipf::new(keys).scattered(draws), vec![0_u8; bytes]);
        let cache = filled(url, &names, &zeros);
        let handles: Vec<KeyHandle> = names.iter().map(KeyHandle::new).collect();
        let value: Value = zeros.into();
        // What they cost when all keys have one value in common, which is then always near.
        let same = || Arc::clone(&value);
        let (quick_one, dash_one) = (quick(&names, same), dash(&names, same));
        // As a cache is: each key has a value of its own.
        let own = || Value::from(&*value);
        let (quick, dash) = (quick(&names, own), dash(&names, own));
        let moka = moka::sync::Cache::builder().build_with_hasher(RandomState::default());
        names.iter().for_each(|name| moka.insert(name.clone(), own()));
        let redis = Redis::new(url, &names);
        let with = |key: usize| cache.with(&names[key], |value| value.unwrap()[0]).unwrap();
        let by_handle = |key: usize| cache.with(&handles[key], |value| value.unwrap()[0]).unwrap();
        let subjects: Vec<(&str, Round<'_>)> = vec![
            ("with", dependent(&drawn, with)),
            ("get", dependent(&drawn, |key| cache.get(&names[key]).unwrap().unwrap()[0])),
            ("handle", dependent(&drawn, by_handle)),
            ("quick_cache", dependent(&drawn, |key| quick.get(&names[key]).unwrap()[0])),
            ("dashmap", dependent(&drawn, |key| dash.get(&names[key]).unwrap()[0])),
            ("moka", dependent(&drawn, |key| moka.get(&names[key]).unwrap()[0])),
            (
                "quick_cache, one value",
                dependent(&drawn, |key| quick_one.get(&names[key]).unwrap()[0]),
            ),
            ("dashmap, one value", dependent(&drawn, |key| dash_one.get(&names[key]).unwrap()[0])),
            ("redis-rs", redis.round(&names, &drawn)),
        ];
        interleave(&figure, rounds, subjects);
        let stats = cache.stats();
        assert!(stats.misses <= keys as u64, "{} misses: not all were hits", stats.misses);
    }
}
