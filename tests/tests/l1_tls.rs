//! The client-side cache over TLS.

use std::sync::Arc;

use keyspan_l1::{Error, L1};
use keyspan_tests::l1::on_each_server;
use keyspan_tests::tls::Identity;
use keyspan_tests::{Outcome, free_port};

#[test]
fn over_tls() -> Outcome<()> {
    let identity = Identity::of(&["localhost", "127.0.0.1"])?;
    let port = free_port()?;
    on_each_server(
        |spec| identity.spec(spec, &port.to_string()),
        |server| {
            for host in ["localhost", "127.0.0.1"] {
                let url = format!("rediss://{host}:{port}");
                let strange = L1::builder(&url).build().err().unwrap();
                assert!(matches!(strange, Error::Down(_) | Error::Lost(_)), "{strange}");
                let cache = L1::builder(&url).tls(Arc::clone(&identity.trust)).build().unwrap();
                let large = vec![b'x'; 3 << 20];
                cache.set("large", &large).unwrap();
                for _ in 0..3 {
                    assert_eq!(cache.get("large").unwrap().unwrap(), large);
                }
                assert_eq!(cache.stats().misses, 1);
                server.client()?.line("SET large small")?;
                while cache.get("large").unwrap().unwrap() != b"small" {}
                let keys: Vec<String> = (0..5000).map(|key| key.to_string()).collect();
                assert!(cache.get_many(&keys).unwrap().iter().all(Option::is_none));
            }
            Ok(())
        },
    )
}
