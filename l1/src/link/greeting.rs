//! The first words on a connection.

use redis::Value;

use crate::error::Error;
use crate::request::{pack, said};
use crate::settings::Settings;

/// What is sent first, and what it is, for each its reply.
pub(super) struct Greeting<'a> {
    pub(super) bytes: Vec<u8>,
    settings: &'a Settings,
    steps: std::vec::IntoIter<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hello,
    Role,
    Select,
    Track,
}

impl<'a> Greeting<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let (mut bytes, mut steps) = (Vec::new(), vec![Step::Hello]);
        let address = &settings.address;
        let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
        if let Some(password) = &address.password {
            let user = address.user.as_deref().unwrap_or("default");
            hello.extend([b"AUTH", user.as_bytes(), password.as_bytes()]);
        }
        hello.extend([&b"SETNAME"[..], b"keyspan-l1"]);
        pack(&mut bytes, &hello);
        if address.database != 0 {
            pack(&mut bytes, &[b"SELECT", address.database.to_string().as_bytes()]);
            steps.push(Step::Select);
        }
        pack(&mut bytes, &settings.mode.start());
        steps.push(Step::Track);
        if let Some(role) = settings.role() {
            pack(&mut bytes, role);
            steps.push(Step::Role);
        }
        Self { bytes, settings, steps: steps.into_iter() }
    }

    /// The next reply; true when it was the last.
    pub(super) fn hear(&mut self, reply: &Value) -> Result<bool, Error> {
        let step = self.steps.next();
        if let Value::ServerError(error) = reply {
            let said = said(error);
            return Err(match step {
                Some(Step::Hello) if lacks_resp3(&said) => Error::NoResp3(said),
                _ => Error::Server(said),
            });
        }
        if step == Some(Step::Hello) && is_cluster(reply) && !self.settings.cluster {
            return Err(Error::Cluster);
        }
        if step == Some(Step::Role) {
            self.settings.check_role(reply)?;
        }
        Ok(self.steps.as_slice().is_empty())
    }
}

/// `NOPROTO unsupported protocol version`, or the `HELLO` that servers before 6.0 do not know.
fn lacks_resp3(said: &str) -> bool {
    said.starts_with("NOPROTO") || said.to_ascii_lowercase().contains("unknown command")
}

fn is_cluster(hello: &Value) -> bool {
    let Value::Map(fields) = hello else { return false };
    let is = |value: &Value, text: &[u8]| matches!(value, Value::BulkString(b) if b == text);
    fields.iter().any(|(name, value)| is(name, b"mode") && is(value, b"cluster"))
}
