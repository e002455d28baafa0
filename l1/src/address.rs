//! Where the server is, and as whom to speak to it.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::Error;

/// A parsed address. Its `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: u32,
}

/// The end of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

impl Address {
    /// Reads `redis://[user[:password]@]host[:port][/database]` (`rediss://` with TLS) or
    /// `unix:///path[?db=database][&user=...][&pass=...]`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|error| Error::Url(error.to_string().into()))?;
        match url.scheme() {
            "redis" | "valkey" => Self::tcp(&url, false),
            "rediss" | "valkeys" => Self::tcp(&url, true),
            "unix" | "redis+unix" | "valkey+unix" => Self::unix(&url),
            other => Err(Error::Url(format!("no scheme {other:?}: redis, rediss or unix").into())),
        }
    }

    fn tcp(url: &Url, tls: bool) -> Result<Self, Error> {
        let host = match url.host() {
            Some(url::Host::Domain("")) | None => return Err(Error::Url("no host".into())),
            Some(url::Host::Domain(name)) => decoded(name)?,
            Some(url::Host::Ipv4(address)) => address.to_string(),
            Some(url::Host::Ipv6(address)) => address.to_string(),
        };
        let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let password = url.password().map(decoded).transpose()?;
        let path = url.path().trim_matches('/');
        let place = Place::Tcp { host, port: url.port().unwrap_or(6379), tls };
        Ok(Self { place, user, password, database: database(path)? })
    }

    fn unix(url: &Url) -> Result<Self, Error> {
        let parameter = |name: &str| {
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let place = Place::Unix(PathBuf::from(decoded(url.path())?));
        let (user, password) = (parameter("user"), parameter("pass"));
        let database = database(&parameter("db").unwrap_or_default())?;
        Ok(Self { place, user, password, database })
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, database {}, user {:?}", self.place, self.database, self.user)
    }
}

fn decoded(text: &str) -> Result<String, Error> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| Error::Url("not UTF-8".into()))
}

fn database(text: &str) -> Result<u32, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| Error::Url(format!("no database {text:?}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, place: Place, user: Option<&str>, password: Option<&str>, database: u32) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let expected = Address { place, user: owned(user), password: owned(password), database };
        assert_eq!(Address::parse(text).unwrap(), expected, "{text}");
    }

    fn tcp(host: &str, port: u16) -> Place {
        Place::Tcp { host: host.into(), port, tls: false }
    }

    #[test]
    fn addresses() {
        check("redis://localhost", tcp("localhost", 6379), None, None, 0);
        check("valkey://10.0.0.1:7000/3", tcp("10.0.0.1", 7000), None, None, 3);
        check("redis://[::1]:1/", tcp("::1", 1), None, None, 0);
        check("redis://:s%40x@h", tcp("h", 6379), None, Some("s@x"), 0);
        check("redis://me:pw@h/1", tcp("h", 6379), Some("me"), Some("pw"), 1);
        let tls = Place::Tcp { host: "h".into(), port: 6390, tls: true };
        check("rediss://h:6390", tls.clone(), None, None, 0);
        check("valkeys://h:6390", tls, None, None, 0);
        let socket = Place::Unix("/run/a b.sock".into());
        check("unix:///run/a%20b.sock", socket.clone(), None, None, 0);
        check("unix:///run/a%20b.sock?db=2&user=u&pass=p%26", socket, Some("u"), Some("p&"), 2);
    }

    #[test]
    fn what_is_no_address() {
        for text in ["", "localhost", "http://h", "redis://", "redis://h/x", "redis://h/-1"] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, Error::Url(_)), "{text}: {error}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        assert!(!format!("{:?}", Address::parse("redis://me:pw1@h").unwrap()).contains("pw1"));
    }
}
