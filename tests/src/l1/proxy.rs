//! A TCP proxy that does to a connection what networks do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::Outcome;

/// What the proxy does now; may be changed at any time.
#[derive(Debug, Default)]
pub struct Weather {
    /// At most so many bytes at a time towards the client; 0 for any.
    pub split: AtomicUsize,
    /// Up to so many microseconds before each piece, each way for itself.
    pub delay_up: AtomicU64,
    /// As [`Self::delay_up`].
    pub delay_down: AtomicU64,
    /// So many milliseconds before each piece towards the client.
    pub lag_down: AtomicU64,
    /// Nothing passes, nothing is lost.
    pub stalled: AtomicBool,
    /// Nothing passes, everything is lost, nobody is told: a half-open connection.
    pub deaf: AtomicBool,
    over: AtomicBool,
}

/// A proxy in front of one server. Dropping it ends its connections.
#[derive(Debug)]
pub struct Proxy {
    /// What it does now.
    pub weather: Arc<Weather>,
    port: u16,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Weather {
    /// Fair weather.
    pub fn clear(&self) {
        self.split.store(0, Ordering::Relaxed);
        self.delay_up.store(0, Ordering::Relaxed);
        self.delay_down.store(0, Ordering::Relaxed);
        self.lag_down.store(0, Ordering::Relaxed);
        self.stalled.store(false, Ordering::Relaxed);
        self.deaf.store(false, Ordering::Relaxed);
    }
}

impl Proxy {
    /// Listens on a free port.
    pub fn new(server_port: u16) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let weather = Arc::new(Weather::default());
        let streams = Arc::new(Mutex::new(Vec::new()));
        let proxy = Self { weather, port, streams };
        let (weather, streams) = (Arc::clone(&proxy.weather), Arc::clone(&proxy.streams));
        let server = SocketAddr::from(([127, 0, 0, 1], server_port));
        thread::spawn(move || {
            for client in listener.incoming() {
                if weather.over.load(Ordering::Relaxed) {
                    return;
                }
                // A client or server that is gone sees an end.
                let _ = client.and_then(|client| join(&client, server, &weather, &streams));
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How many ends of connections there have been since the last [`Self::kill`].
    #[must_use]
    pub fn connections(&self) -> usize {
        locked(&self.streams).len()
    }

    /// Ends all connections of now; new ones may come.
    pub fn kill(&self) {
        for stream in locked(&self.streams).drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.weather.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.kill();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join(
    client: &TcpStream,
    server: SocketAddr,
    weather: &Arc<Weather>,
    streams: &Mutex<Vec<TcpStream>>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
        locked(streams).push(stream.try_clone()?);
    }
    for up in [true, false] {
        let (from, to) = if up { (client, &server) } else { (&server, client) };
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let weather = Arc::clone(weather);
        thread::spawn(move || {
            // However it ends, both sides are to know.
            let _ = pump(&from, &to, &weather, up);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn pump(
    mut from: &TcpStream,
    mut to: &TcpStream,
    weather: &Weather,
    up: bool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(up);
    from.set_read_timeout(Some(Duration::from_millis(5)))?;
    while !weather.over.load(Ordering::Relaxed) {
        if weather.stalled.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        let split = if up { 0 } else { weather.split.load(Ordering::Relaxed) };
        let end = if split == 0 { buffer.len() } else { split };
        let count = match from.read(buffer.get_mut(..end).unwrap_or_default()) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let delay = if up { &weather.delay_up } else { &weather.delay_down };
        let delay = delay.load(Ordering::Relaxed);
        if delay > 0 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            thread::sleep(Duration::from_micros((random >> 33).checked_rem(delay).unwrap_or(0)));
        }
        if !up {
            thread::sleep(Duration::from_millis(weather.lag_down.load(Ordering::Relaxed)));
        }
        if !weather.deaf.load(Ordering::Relaxed) {
            to.write_all(buffer.get(..count).unwrap_or_default())?;
        }
    }
    Ok(())
}
