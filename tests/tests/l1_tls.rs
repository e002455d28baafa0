//! The client-side cache over TLS.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::sync::Arc;

use keyspan_l1::rustls::crypto::ring::default_provider;
use keyspan_l1::rustls::{ClientConfig, RootCertStore};
use keyspan_l1::{Error, L1};
use keyspan_tests::Outcome;
use keyspan_tests::l1::on_each_server;

/// A free port for TLS besides the server's own.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn over_tls() -> Outcome<()> {
    let made =
        rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let trust = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let port = free_port();
    on_each_server(
        |spec| {
            spec.file("cert.pem", certificate.as_bytes()).file("key.pem", key.as_bytes()).options(
                &[
                    "--tls-port",
                    &port.to_string(),
                    "--tls-cert-file",
                    "cert.pem",
                    "--tls-key-file",
                    "key.pem",
                    "--tls-auth-clients",
                    "no",
                    "--tls-ca-cert-file",
                    "cert.pem",
                ],
            )
        },
        |server| {
            for host in ["localhost", "127.0.0.1"] {
                let url = format!("rediss://{host}:{port}");
                let strange = L1::builder(&url).build().err().unwrap();
                assert!(matches!(strange, Error::Down(_) | Error::Lost(_)), "{strange}");
                let cache = L1::builder(&url).tls(Arc::clone(&trust)).build().unwrap();
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
