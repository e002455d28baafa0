//! The client-side cache under tokio, and without any runtime.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keyspan_l1::{AsyncL1, L1};
use keyspan_tests::l1::on_each_server;
use keyspan_tests::{Client, Outcome};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

/// Runs `body` on each server, on one worker and on two.
fn each<F: Future<Output = ()>>(body: impl Fn(AsyncL1, Client) -> F) -> Outcome<()> {
    on_each_server(
        |spec| spec,
        |server| {
            for workers in [1, 2] {
                server.client()?.line("FLUSHALL")?;
                let runtime =
                    Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
                let url = format!("redis://127.0.0.1:{}", server.port());
                let client = server.client()?;
                runtime.block_on(async {
                    body(L1::builder(&url).build_async().await.unwrap(), client).await;
                });
            }
            Ok(())
        },
    )
}

#[test]
fn reads_writes_and_loads() -> Outcome<()> {
    each(|cache, mut other| async move {
        for round in 0..100 {
            let value = round.to_string();
            cache.set("k", &value).await.unwrap();
            assert_eq!(cache.get("k").await.unwrap().unwrap(), value.as_bytes());
        }
        assert_eq!(cache.with("k", |value| value.map(<[u8]>::len)).await.unwrap(), Some(2));
        other.line("HSET h f 5").unwrap();
        assert_eq!(cache.hget("h", "f").await.unwrap().unwrap(), b"5");
        assert_eq!(cache.get_many(&["k", "none"]).await.unwrap().len(), 2);
        assert_eq!(cache.del(&["k"]).await.unwrap(), 1);
        let load = || async { Ok::<_, std::io::Error>(Some(b"loaded".to_vec())) };
        let loaded = cache.get_or_load("k", Some(Duration::from_secs(9)), load).await.unwrap();
        assert_eq!(loaded.unwrap(), b"loaded");
        assert_eq!(other.line("GET k").unwrap(), b"$6\r\nloaded\r\n");
        assert!(cache.to_sync().get("k").unwrap().is_some());
    })
}

#[test]
fn a_hundred_tasks_ask_and_load_once() -> Outcome<()> {
    each(|cache, mut other| async move {
        other.line("SET k v").unwrap();
        other.line("CONFIG RESETSTAT").unwrap();
        let loads = Arc::new(AtomicU32::new(0));
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let (cache, loads) = (cache.clone(), Arc::clone(&loads));
            tasks.push(tokio::spawn(async move {
                assert_eq!(cache.get("k").await.unwrap().unwrap(), b"v");
                let load = || async move {
                    loads.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(20)).await;
                    Ok::<_, std::io::Error>(Some(b"loaded".to_vec()))
                };
                let loaded = cache.get_or_load("new", None, load).await.unwrap();
                assert_eq!(loaded.unwrap(), b"loaded");
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        let stats = other.line("INFO commandstats").unwrap();
        // One of `k`; of `new` one before it was loaded and one after.
        let stats = String::from_utf8_lossy(&stats);
        assert!(stats.contains("cmdstat_get:calls=3,"), "{stats}");
    })
}

#[test]
fn a_future_that_is_given_up_leaves_nothing_behind() -> Outcome<()> {
    each(|cache, mut other| async move {
        let short = Duration::from_millis(10);
        let never = || std::future::pending::<Result<Option<Vec<u8>>, std::io::Error>>();
        assert!(timeout(short, cache.get_or_load("k", None, never)).await.is_err());
        let load = || async { Ok::<_, std::io::Error>(Some(b"v".to_vec())) };
        assert_eq!(cache.get_or_load("k", None, load).await.unwrap().unwrap(), b"v");
        other.line("SET p 1").unwrap();
        other.line("CLIENT PAUSE 100 ALL").unwrap();
        // The load above may have joined a question that was still on its way.
        let before = cache.stats().joins;
        assert!(timeout(short, cache.get("p")).await.is_err());
        let joined = cache.get("p").await.unwrap();
        assert_eq!((joined.unwrap().to_vec(), cache.stats().joins - before), (b"1".to_vec(), 1));
    })
}
