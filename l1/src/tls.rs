//! TLS over a stream that does not block.

use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::error::Error;

/// The client's side of an encrypted connection. One thread reads, any may write.
#[derive(Debug)]
pub(crate) struct Tls {
    stream: TcpStream,
    session: Mutex<ClientConnection>,
}

/// Trusts whom the system trusts.
pub(crate) fn system_trust() -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setting(error.to_string().into()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

impl Tls {
    /// Will greet the host at the first write.
    pub(crate) fn new(
        stream: TcpStream,
        host: &str,
        config: &Arc<ClientConfig>,
    ) -> Result<Self, Error> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| Error::Url(error.to_string().into()))?;
        let session = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| Error::Setting(error.to_string().into()))?;
        Ok(Self { stream, session: Mutex::new(session) })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    fn session(&self) -> MutexGuard<'_, ClientConnection> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes as much as there is room for, and sends what the stream takes.
    pub(crate) fn write(&self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut session = self.session();
        let taken = session.writer().write(bytes)?;
        self.send(&mut session)?;
        Ok(taken)
    }

    /// Sends what was taken and not sent yet.
    pub(crate) fn flush(&self) -> std::io::Result<()> {
        self.send(&mut self.session())
    }

    fn send(&self, session: &mut ClientConnection) -> std::io::Result<()> {
        while session.wants_write() {
            match session.write_tls(&mut &self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has come and been decrypted; [`ErrorKind::WouldBlock`] when there is nothing.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut session = self.session();
        loop {
            match session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if session.read_tls(&mut &self.stream)? == 0 {
                return Ok(0);
            }
            if let Err(error) = session.process_new_packets() {
                // Tells the other side why.
                let _ = self.send(&mut session);
                return Err(std::io::Error::new(ErrorKind::InvalidData, error));
            }
            self.send(&mut session)?;
        }
    }
}
