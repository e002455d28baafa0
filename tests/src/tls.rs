//! Servers that speak TLS, with a certificate made for the test.

use std::sync::Arc;

use keyspan_l1::rustls::crypto::ring::default_provider;
use keyspan_l1::rustls::{ClientConfig, RootCertStore};

use crate::{Failure, Outcome, Spec};

/// A certificate with its key, and what trusts it.
#[derive(Debug)]
pub struct Identity {
    certificate: String,
    key: String,
    /// For clients that are to trust it, and nothing else.
    pub trust: Arc<ClientConfig>,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

impl Identity {
    /// One that is made out to these names.
    pub fn of(names: &[&str]) -> Outcome<Self> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).map_err(failed)?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).map_err(failed)?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(failed)?;
        Ok(Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            trust: Arc::new(config.with_root_certificates(roots).with_no_client_auth()),
        })
    }

    /// A server that speaks TLS at `port` (a number, or [`A_FREE_PORT`](crate::A_FREE_PORT)) beside its
    /// own, and asks clients for no certificate.
    #[must_use]
    pub fn spec(&self, spec: Spec, port: &str) -> Spec {
        let spec = spec.file("cert.pem", self.certificate.as_bytes());
        spec.file("key.pem", self.key.as_bytes()).options(&[
            "--tls-port",
            port,
            "--tls-cert-file",
            "cert.pem",
            "--tls-key-file",
            "key.pem",
            "--tls-ca-cert-file",
            "cert.pem",
            "--tls-auth-clients",
            "no",
        ])
    }
}
