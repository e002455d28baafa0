//! Users with few rights.

use crate::{Client, Outcome, Server, ensure};

/// A connection as a new user with exactly these rules, such as `~a:* +@read`.
pub fn user(server: &Server, name: &str, rules: &str) -> Outcome<Client> {
    let mut client = server.client()?;
    client.expect(&format!("ACL SETUSER {name} reset on nopass {rules}"), "+OK")?;
    client.expect(&format!("AUTH {name} any"), "+OK")?;
    Ok(client)
}

/// Fails unless the command is refused for want of rights.
pub fn refused(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(reply.starts_with(b"-NOPERM"), || {
        format!("{line} was not refused: {}", reply.escape_ascii())
    })
}

/// Fails if the command is refused for want of rights, whatever else it replies.
pub fn allowed(client: &mut Client, line: &str) -> Outcome<()> {
    let reply = client.line(line)?;
    ensure(!reply.starts_with(b"-NOPERM"), || format!("{line}: {}", reply.escape_ascii()))
}

/// Commands of an ACL category, in the server's order.
pub fn category(client: &mut Client, name: &str) -> Outcome<Vec<String>> {
    let reply = client.value(&format!("ACL CAT {name}"))?;
    let words = reply.elements()?.iter();
    words.map(|word| Ok(String::from_utf8_lossy(word.bytes()?).into_owned())).collect()
}
