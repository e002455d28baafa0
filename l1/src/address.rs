//! Where the server is, and as whom to speak to it.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::Error;
use crate::sentinel::Sentinels;

/// What a cache is set up in front of.
#[derive(Debug)]
pub(crate) enum Target {
    /// One server.
    Server(Address),
    /// A cluster, to which any of these nodes leads.
    Cluster(Vec<Address>),
    /// The primary that these sentinels name; the address lends all but its place.
    Sentinel(Sentinels, Address),
}

impl Target {
    /// Reads an address of [`Address::parse`], or one of many servers:
    /// `redis+cluster://[user[:password]@]host[:port],...` or
    /// `redis+sentinel://[user[:password]@]host[:port],.../service[/database][?sentinel_user=...&sentinel_pass=...]`
    /// (`rediss+...` with TLS, `valkey...` for `redis...`).
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Address::parse(text).map(Self::Server);
        };
        match scheme.split_once('+') {
            Some((base @ ("redis" | "rediss" | "valkey" | "valkeys"), "cluster")) => {
                many(base, rest, 6379).map(|(nodes, _)| Self::Cluster(nodes))
            }
            Some((base @ ("redis" | "rediss" | "valkey" | "valkeys"), "sentinel")) => {
                Self::sentinel(base, rest)
            }
            _ => Address::parse(text).map(Self::Server),
        }
    }

    fn sentinel(base: &str, rest: &str) -> Result<Self, Error> {
        let (rest, service) = rest.split_once('/').ok_or_else(|| no("service"))?;
        let (service, query) = service.split_once('?').unwrap_or((service, ""));
        let (service, number) = service.split_once('/').unwrap_or((service, ""));
        if service.is_empty() {
            return Err(no("service"));
        }
        let (nodes, mut address) = many(base, rest, 26379)?;
        address.database = database(number)?;
        let places = nodes.into_iter().map(|node| node.place).collect();
        let mut sentinels =
            Sentinels::new(places, decoded(service)?, matches!(base, "rediss" | "valkeys"));
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "sentinel_user" => sentinels.user = Some(value.into_owned()),
                "sentinel_pass" => sentinels.password = Some(value.into_owned()),
                other => return Err(Error::Url(format!("no parameter {other:?}").into())),
            }
        }
        Ok(Self::Sentinel(sentinels, address))
    }
}

fn no(what: &str) -> Error {
    Error::Url(format!("no {what}").into())
}

/// The addresses of a list, and the first of them.
fn many(base: &str, rest: &str, port: u16) -> Result<(Vec<Address>, Address), Error> {
    let (login, rest) = rest
        .rsplit_once('@')
        .map_or((String::new(), rest), |(login, rest)| (format!("{login}@"), rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut addresses = Vec::new();
    for host in hosts.split(',') {
        let mut address = Address::parse(&format!("{base}://{login}{host}/{path}"))?;
        let own_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if let (Place::Tcp { port: unnamed, .. }, false) = (&mut address.place, own_port) {
            *unnamed = port;
        }
        addresses.push(address);
    }
    let first = addresses.first().cloned().ok_or_else(|| no("host"))?;
    Ok((addresses, first))
}

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
    fn addresses_of_many() {
        let Target::Cluster(nodes) =
            Target::parse("redis+cluster://me:p%40w@a:1,[::1]:2,[::2],d").unwrap()
        else {
            panic!("no cluster")
        };
        let places: Vec<_> = nodes.iter().map(|node| node.place.clone()).collect();
        assert_eq!(places, [tcp("a", 1), tcp("::1", 2), tcp("::2", 6379), tcp("d", 6379)]);
        assert!(nodes.iter().all(|node| node.password.as_deref() == Some("p@w")));
        let text = "valkeys+sentinel://me:pw@a,b:1/the%20one/2?sentinel_user=u&sentinel_pass=p%26";
        let Target::Sentinel(sentinels, address) = Target::parse(text).unwrap() else {
            panic!("no sentinels")
        };
        let tls = |host: &str, port| Place::Tcp { host: host.into(), port, tls: true };
        assert_eq!(sentinels.places, [tls("a", 26379), tls("b", 1)]);
        assert_eq!((sentinels.service.as_str(), address.database), ("the one", 2));
        assert_eq!(sentinels.password.as_deref(), Some("p&"));
        assert_eq!((sentinels.user.as_deref(), address.user.as_deref()), (Some("u"), Some("me")));
        let plain = Target::parse("redis+sentinel://a/s").unwrap();
        assert!(matches!(plain, Target::Sentinel(sentinels, _) if !sentinels.tls));
        for text in [
            "redis+cluster://",
            "redis+cluster://a:x",
            "redis+sentinel://a",
            "redis+sentinel://a/",
            "redis+sentinel://a/s/x",
            "redis+sentinel://a/s?pass=1",
            "http+cluster://a",
        ] {
            assert!(matches!(Target::parse(text), Err(Error::Url(_))), "{text}");
        }
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
