//! A non-blocking stream that two threads may use, and the parser on top of it.

use std::io::{ErrorKind, Read, Write};
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use redis::{Parser, Value};

use crate::address::Place;
use crate::error::Error;
use crate::tls::{Tls, system_trust};

/// Whom to trust, when it is not whom the system trusts.
pub(crate) type Trust = Option<Arc<rustls::ClientConfig>>;

/// A connected stream.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Tls(Box<Tls>),
    Unix(UnixStream),
}

impl Socket {
    /// Connects, in this much time for each address of the host. Blocks.
    pub(crate) fn connect(place: &Place, trust: &Trust, limit: Duration) -> Result<Self, Error> {
        match place {
            Place::Tcp { host, port, tls } => {
                let stream = tcp(host, *port, limit)?;
                if !*tls {
                    return Ok(Self::Tcp(stream));
                }
                let trust = trust.as_ref().map_or_else(system_trust, |own| Ok(Arc::clone(own)))?;
                Ok(Self::Tls(Box::new(Tls::new(stream, host, &trust)?)))
            }
            Place::Unix(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                stream.set_nonblocking(true)?;
                Ok(Self::Unix(UnixStream::from_std(stream)))
            }
        }
    }

    /// Has the poll that the registry belongs to tell when there is something to read or room to
    /// write.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> Result<(), Error> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => stream.register(registry, token, interests)?,
            Self::Tls(tls) => tls.stream().register(registry, token, interests)?,
            Self::Unix(stream) => stream.register(registry, token, interests)?,
        }
        Ok(())
    }

    /// Writes as much as there is room for.
    pub(crate) fn write(&self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = match self {
            Self::Tcp(stream) => (&mut &*stream).write(bytes),
            Self::Tls(tls) => tls.write(bytes),
            Self::Unix(stream) => (&mut &*stream).write(bytes),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            other => other,
        }
    }

    /// Writes what was taken before and has not gone yet.
    pub(crate) fn flush(&self) -> std::io::Result<()> {
        if let Self::Tls(tls) = self { tls.flush() } else { Ok(()) }
    }

    /// Whether a read of less than was asked for is a sign that there is no more.
    const fn tells_by_length(&self) -> bool {
        !matches!(self, Self::Tls(_))
    }

    fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).read(buffer),
            Self::Tls(tls) => tls.read(buffer),
            Self::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }
}

fn tcp(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Error> {
    let mut failure = Error::Down(format!("{host} has no address").into());
    for address in (host, port).to_socket_addrs()? {
        match std::net::TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return Ok(TcpStream::from_std(stream));
            }
            Err(error) => failure = Error::Down(format!("{address}: {error}").into()),
        }
    }
    Err(failure)
}

/// Replies and pushes in the order of the socket.
pub(crate) struct Frames {
    parser: Parser,
    /// There is nothing more to read until the poll says so.
    dry: bool,
    /// The other side has ended it, which only reading to the end finds.
    ending: bool,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self { parser: Parser::new(), dry: false, ending: false }
    }

    /// The poll has returned; whether it has told of an end.
    pub(crate) fn wake(&mut self, ending: bool) {
        self.dry = false;
        self.ending |= ending;
    }

    /// The next whole frame, or None while it has not come. Never blocks; an error is the end of
    /// the connection.
    pub(crate) fn next(&mut self, socket: &Socket) -> Result<Option<Value>, Error> {
        let thorough = self.ending || !socket.tells_by_length();
        let mut ready = Ready { socket, dry: self.dry, thorough, blocked: false };
        let parsed = self.parser.parse_value(&mut ready);
        let blocked = ready.blocked;
        self.dry = ready.dry;
        match parsed {
            Ok(value) => Ok(Some(value)),
            Err(_) if blocked => Ok(None),
            Err(error) => Err(Error::Lost(error.to_string().into())),
        }
    }
}

/// What has come so far.
struct Ready<'a> {
    socket: &'a Socket,
    dry: bool,
    /// Only the socket may say that there is no more.
    thorough: bool,
    blocked: bool,
}

impl Read for Ready<'_> {
    /// Less than was asked for is all there was: what comes later, the poll tells of. That spares a
    /// second read for each push.
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.dry && !self.thorough {
            self.blocked = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let read = self.socket.read(buffer);
        self.blocked = matches!(&read, Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.dry = self.blocked || read.as_ref().is_ok_and(|&length| length < buffer.len());
        read
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What comes with the end of the connection is read; the end is found only if it is told of,
    /// as a read of less than was asked for is taken for all there was.
    #[test]
    fn an_end_that_is_told_of_is_found() {
        for told in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            listener.accept().unwrap().0.write_all(b"+OK\r\n:1\r\n").unwrap();
            // Until all of it has come, with the end.
            let mut all = [0; 9];
            while stream.peek(&mut all).unwrap() < all.len() {}
            stream.set_nonblocking(true).unwrap();
            let (socket, mut frames) = (Socket::Tcp(TcpStream::from_std(stream)), Frames::new());
            frames.wake(told);
            assert_eq!(frames.next(&socket).unwrap(), Some(Value::Okay));
            assert_eq!(frames.next(&socket).unwrap(), Some(Value::Int(1)));
            assert_eq!(frames.next(&socket).is_err(), told, "told: {told}");
            frames.wake(false);
            assert!(frames.next(&socket).is_err(), "the poll has returned, so it is read again");
        }
    }
}
