//! What a cluster says instead of a reply.

use super::view::bare;
use crate::error::Error;

/// What to do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The slot is another node's now.
    Moved(Place),
    /// The key may be at another node, to which the slot is being moved.
    Ask(Place),
    /// The command was not run; it may be later.
    Pause,
    /// Nothing: it is for the caller.
    Fail,
}

/// A node as it is named in an error; without a host it is the one that tells, at another port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Errors after which the command was not run, and will be when the cluster has settled.
const PASSING: [&str; 4] = ["CLUSTERDOWN", "LOADING", "READONLY", "TRYAGAIN"];

impl Next {
    /// What to do about this error of a command that only `reads` (or not).
    pub(super) fn of(error: &Error, reads: bool) -> Self {
        let Error::Server(said) = error else {
            // What was sent and lost may have been run; a read may be run again.
            let again = matches!(error, Error::Down(_)) || reads && matches!(error, Error::Lost(_));
            return if again { Self::Pause } else { Self::Fail };
        };
        let mut words = said.split_ascii_whitespace();
        let (code, place) = (words.next().unwrap_or_default(), words.nth(1).and_then(Place::read));
        match (code, place) {
            ("MOVED", Some(place)) => Self::Moved(place),
            ("ASK", Some(place)) => Self::Ask(place),
            (code, _) if PASSING.contains(&code) => Self::Pause,
            _ => Self::Fail,
        }
    }
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: bare(host).to_owned(), port: port.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        let check = |said: &str, next: Next| {
            assert_eq!(Next::of(&Error::Server(said.into()), false), next, "{said}");
        };
        let place = |host: &str, port| Place { host: host.into(), port };
        check("MOVED 3999 127.0.0.1:6381", Next::Moved(place("127.0.0.1", 6381)));
        check("ASK 3999 ::1:6381", Next::Ask(place("::1", 6381)));
        check("MOVED 3999 :6381", Next::Moved(place("", 6381)));
        check("MOVED 3999", Next::Fail);
        check("TRYAGAIN Multiple keys request during rehashing of slot", Next::Pause);
        check("CLUSTERDOWN Hash slot not served", Next::Pause);
        check("WRONGTYPE Operation against", Next::Fail);
        let lost = Error::Lost("".into());
        assert_eq!((Next::of(&lost, true), Next::of(&lost, false)), (Next::Pause, Next::Fail));
        assert_eq!(Next::of(&Error::Down("".into()), false), Next::Pause);
    }
}
