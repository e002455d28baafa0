//! Clusters of processes: started, moved about and killed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use crate::replication::wait;
use crate::{A_FREE_PORT, Client, Failure, Name, Outcome, Server, Spec, ensure};

/// How many slots there are.
const SLOTS: usize = 16384;

/// After which time nodes that do not all know each other are introduced again: more than the
/// timeout that [`node`] sets, so that one who was met is known or forgotten by then.
const MEET_AGAIN: Duration = Duration::from_secs(3);

/// A running cluster. The first nodes are primaries with equal shares of the slots; then come their
/// replicas, if there are any.
#[derive(Debug)]
pub struct Cluster {
    /// All nodes.
    pub nodes: Vec<Server>,
    primaries: usize,
}

/// How many primaries a cluster has, whether each has a replica, and what its nodes are besides.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Nodes with a share of the slots.
    pub primaries: usize,
    /// Whether there are as many replicas.
    pub replicas: bool,
    /// Modules and options of a node.
    pub node: fn(Spec) -> Spec,
}

/// Runs `body` with a cluster of each of these servers.
pub fn on_each_cluster_of(
    names: &[Name],
    shape: Shape,
    body: impl Fn(Name, &mut Cluster) -> Outcome<()>,
) -> Outcome<()> {
    let Shape { primaries, replicas, node } = shape;
    on_each_cluster_as(names, node, primaries, replicas, body)
}

/// As [`on_each_cluster_of`], of nodes that are started so. They are started at once, as that is
/// mostly waiting.
pub fn on_each_cluster_as(
    names: &[Name],
    spec: impl Fn(Spec) -> Spec + Sync,
    primaries: usize,
    replicas: bool,
    body: impl Fn(Name, &mut Cluster) -> Outcome<()>,
) -> Outcome<()> {
    let spec = &spec;
    let clusters: Vec<Outcome<Cluster>> = thread::scope(|scope| {
        let start = |name: &Name| {
            let name = *name;
            scope.spawn(move || Cluster::start_as(name, spec, primaries, replicas))
        };
        let started: Vec<_> = names.iter().map(start).collect();
        let lost = |_| Err(Failure::new("the thread that starts it has ended"));
        started.into_iter().map(|cluster| cluster.join().unwrap_or_else(lost)).collect()
    });
    let mut failures = Vec::new();
    for (name, cluster) in names.iter().zip(clusters) {
        let outcome = cluster.and_then(|mut cluster| {
            body(*name, &mut cluster).map_err(|failure| cluster.explain(failure))
        });
        failures.extend(outcome.err().map(|failure| format!("{name}: {failure}")));
    }
    ensure(failures.is_empty(), || failures.join("\n"))
}

impl Cluster {
    /// Starts so many primaries without modules, each with or without a replica.
    pub fn start(name: Name, primaries: usize, replicas: bool) -> Outcome<Self> {
        Self::start_as(name, |spec| spec, primaries, replicas)
    }

    /// Starts nodes of this kind and waits until they agree.
    pub fn start_as(
        name: Name,
        spec: impl Fn(Spec) -> Spec,
        primaries: usize,
        replicas: bool,
    ) -> Outcome<Self> {
        let count = if replicas { 2 * primaries } else { primaries };
        let nodes = (0..count).map(|_| node(name, &spec)).collect::<Outcome<Vec<_>>>()?;
        let cluster = Self { nodes, primaries };
        cluster.introduce()?;
        for (index, node) in cluster.nodes.iter().enumerate().take(primaries) {
            let share = |index: usize| index * SLOTS / primaries.max(1);
            let (first, last) = (share(index), share(index + 1) - 1);
            let mut client = node.client()?;
            client.expect(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"), "+OK")?;
        }
        cluster.follow()?;
        wait("the cluster", || cluster.is_ok())?;
        Ok(cluster)
    }

    /// The failure with the folders of all nodes, which are kept.
    fn explain(&mut self, failure: Failure) -> Failure {
        let keep = |node: &mut Server| {
            node.keep();
            node.folder().display().to_string()
        };
        let folders: Vec<String> = self.nodes.iter_mut().map(keep).collect();
        Failure::new(format!("{failure}\n  nodes: {}", folders.join(" ")))
    }

    fn introduce(&self) -> Outcome<()> {
        let [first, rest @ ..] = self.nodes.as_slice() else { return Ok(()) };
        let mut client = first.client()?;
        for (index, node) in self.nodes.iter().enumerate() {
            node.client()?.line(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1))?;
        }
        let mut met = None;
        let mut counts = Vec::new();
        let known = wait("all to know each other", || {
            // A node forgets whom it met when no answer comes within the timeout, as on a busy
            // machine. The other one then knows the first, but not the first the other, for good
            // (seen on redis-8.6; valkey-9.1 mends it) unless they are introduced again.
            if met.is_none_or(|met: Instant| met.elapsed() > MEET_AGAIN) {
                for node in rest {
                    let bus = bus_port(node)?;
                    let line = format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port());
                    client.expect(&line, "+OK")?;
                }
                met = Some(Instant::now());
            }
            let known =
                |node: &Server| node.client()?.info_of("CLUSTER INFO", "cluster_known_nodes");
            counts = self.nodes.iter().map(known).collect::<Outcome<Vec<_>>>()?;
            Ok(counts.iter().all(|count| *count == self.nodes.len().to_string()))
        });
        known.map_err(|failure| Failure::new(format!("{failure}: {counts:?}")))
    }

    fn follow(&self) -> Outcome<()> {
        for (index, replica) in self.nodes.iter().enumerate().skip(self.primaries) {
            let id = self.id(index - self.primaries)?;
            let mut client = replica.client()?;
            wait("to know the primary", || {
                Ok(client.line(&format!("CLUSTER REPLICATE {id}"))?.starts_with(b"+OK"))
            })?;
            wait("the first copy", || Ok(client.info("master_link_status")? == "up"))?;
        }
        Ok(())
    }

    /// Whether every node that is there has all slots served.
    fn is_ok(&self) -> Outcome<bool> {
        let mut states = self.nodes.iter().map(|node| match node.client() {
            Ok(mut client) => client.info_of("CLUSTER INFO", "cluster_state"),
            Err(_) => Ok("ok".into()),
        });
        states.try_fold(true, |all, state| Ok(all && state? == "ok"))
    }

    /// The address of all nodes, as the cache takes it.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The identity of a node.
    pub fn id(&self, node: usize) -> Outcome<String> {
        let id = self.client(node)?.value("CLUSTER MYID")?;
        Ok(String::from_utf8_lossy(id.bytes()?).into_owned())
    }

    /// A connection to a node.
    pub fn client(&self, node: usize) -> Outcome<Client> {
        self.node(node)?.client()
    }

    /// A node.
    pub fn node(&self, node: usize) -> Outcome<&Server> {
        self.nodes.get(node).ok_or_else(|| Failure::new("no such node"))
    }

    /// Which primary has the slot, as it says itself; waits while none does, as in a failover.
    pub fn owner(&self, slot: i64) -> Outcome<usize> {
        let mut owner = self.claimant(slot);
        for _ in 0..100 {
            if owner.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
            owner = self.claimant(slot);
        }
        owner
    }

    fn claimant(&self, slot: i64) -> Outcome<usize> {
        for index in 0..self.nodes.len() {
            let Ok(mut client) = self.client(index) else { continue };
            let nodes = client.value("CLUSTER NODES")?;
            let text = String::from_utf8_lossy(nodes.bytes()?).into_owned();
            let own = text.lines().find(|line| line.contains("myself")).unwrap_or_default();
            let ranges =
                own.split_ascii_whitespace().skip(8).filter(|range| !range.starts_with('['));
            let has = |range: &str| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let bounds = first.parse::<i64>().ok().zip(last.parse::<i64>().ok());
                bounds.is_some_and(|(first, last)| (first..=last).contains(&slot))
            };
            if own.contains("master") && ranges.clone().any(has) {
                return Ok(index);
            }
        }
        Err(Failure::new(format!("nobody has slot {slot}")))
    }

    /// The slot of a key.
    pub fn slot(&self, key: &str) -> Outcome<i64> {
        self.client(0)?.value(&format!("CLUSTER KEYSLOT {key}"))?.integer()
    }

    /// Opens a slot to be moved: from now on `from` sends those away who ask for what it has not.
    pub fn open(&self, slot: i64, from: usize, to: usize) -> Outcome<()> {
        let (source, target) = (self.id(from)?, self.id(to)?);
        self.client(to)?.expect(&format!("CLUSTER SETSLOT {slot} IMPORTING {source}"), "+OK")?;
        self.client(from)?.expect(&format!("CLUSTER SETSLOT {slot} MIGRATING {target}"), "+OK")
    }

    /// Moves up to so many keys of the slot; whether there were any.
    pub fn carry(&self, slot: i64, from: usize, to: usize, count: usize) -> Outcome<bool> {
        let mut source = self.client(from)?;
        let keys = source.value(&format!("CLUSTER GETKEYSINSLOT {slot} {count}"))?;
        let keys: Vec<String> = keys
            .elements()?
            .iter()
            .map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()))
            .collect::<Outcome<_>>()?;
        if keys.is_empty() {
            return Ok(false);
        }
        let (port, keys) = (inner_port(self.node(to)?)?, keys.join(" "));
        let reply = source.line(&format!("MIGRATE 127.0.0.1 {port} \"\" 0 5000 KEYS {keys}"))?;
        let text = || String::from_utf8_lossy(&reply).into_owned();
        ensure(reply.starts_with(b"+OK") || reply.starts_with(b"+NOKEY"), text)?;
        Ok(true)
    }

    /// The slot is the other's now; the one that gets it hears it first.
    pub fn close(&self, slot: i64, from: usize, to: usize) -> Outcome<()> {
        let line = format!("CLUSTER SETSLOT {slot} NODE {}", self.id(to)?);
        self.client(to)?.expect(&line, "+OK")?;
        self.client(from)?.expect(&line, "+OK")
    }

    /// Moves a slot with all that is in it, `pause` between the steps.
    pub fn migrate(&self, slot: i64, from: usize, to: usize, pause: Duration) -> Outcome<()> {
        self.open(slot, from, to)?;
        thread::sleep(pause);
        while self.carry(slot, from, to, 16)? {
            thread::sleep(pause);
        }
        self.close(slot, from, to)?;
        thread::sleep(pause);
        Ok(())
    }

    /// A client that goes where it is sent.
    #[must_use]
    pub fn walker(&self) -> Walker {
        let start = self.nodes.first().map_or(0, Server::port);
        Walker { start, clients: HashMap::new(), known: HashMap::new(), doors: HashMap::new() }
    }
}

fn node(name: Name, spec: impl Fn(Spec) -> Spec) -> Outcome<Server> {
    // The usual bus port, 10,000 higher, may be none.
    let options = [
        ["--cluster-enabled", "yes"],
        ["--cluster-port", A_FREE_PORT],
        ["--cluster-node-timeout", "1500"],
        ["--cluster-replica-validity-factor", "0"],
        ["--appendonly", "no"],
    ];
    spec(Spec::new(name)?.options(options.as_flattened())).start()
}

fn bus_port(node: &Server) -> Outcome<String> {
    option(node, "cluster-port")
}

/// The port at which other nodes hand keys over.
fn inner_port(node: &Server) -> Outcome<String> {
    match option(node, "tls-cluster")?.as_str() {
        "yes" => option(node, "tls-port"),
        _ => Ok(node.port().to_string()),
    }
}

/// What an option of the node is set to.
pub fn option(node: &Server, name: &str) -> Outcome<String> {
    let reply = node.client()?.value(&format!("CONFIG GET {name}"))?;
    let [_, value] = reply.elements()? else { return Err(Failure::new(format!("no {name}"))) };
    Ok(String::from_utf8_lossy(value.bytes()?).into_owned())
}

/// A client of a cluster, in raw RESP: it goes where MOVED and ASK send it.
pub struct Walker {
    start: u16,
    clients: HashMap<u16, Client>,
    /// Where each tag was last.
    known: HashMap<String, u16>,
    /// The port of the server behind one that is announced.
    doors: HashMap<u16, u16>,
}

/// What of a key decides on its slot: what is in braces, if there is anything.
fn tag(key: &str) -> &str {
    let inner = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    inner.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key)
}

impl Walker {
    /// The reply to a command of this key.
    pub fn call<W: AsRef<[u8]>>(&mut self, key: &str, words: &[W]) -> Outcome<Vec<u8>> {
        let mut port = self.place(key);
        let mut asking = false;
        for _ in 0..1000 {
            let reply = match self.call_at(port, words, asking) {
                Ok(reply) => reply,
                Err(_) => {
                    // A node that is gone: another one knows who is in its place.
                    self.clients.remove(&port);
                    thread::sleep(Duration::from_millis(20));
                    port =
                        self.clients.keys().copied().find(|other| *other != port).unwrap_or(port);
                    continue;
                }
            };
            let text = String::from_utf8_lossy(&reply).into_owned();
            let next = text.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            asking = text.starts_with("-ASK");
            match next {
                Some(next) if text.starts_with("-MOVED") || asking => {
                    port = self.doors.get(&next).copied().unwrap_or(next);
                }
                _ if text.starts_with("-TRYAGAIN") || text.starts_with("-CLUSTERDOWN") => {
                    thread::sleep(Duration::from_millis(5));
                }
                _ => {
                    self.known.insert(tag(key).into(), port);
                    return Ok(reply);
                }
            }
        }
        Err(Failure::new(format!("{key} is sent from node to node")))
    }

    /// Goes to the second port when it is sent to the first.
    #[must_use]
    pub fn door(mut self, announced: u16, port: u16) -> Self {
        self.doors.insert(announced, port);
        self
    }

    fn place(&self, key: &str) -> u16 {
        self.known.get(tag(key)).copied().unwrap_or(self.start)
    }

    /// The replies to a command for each of these keys: first all at once, each where its tag was
    /// last; then one after the other what is somewhere else. Empty where there is none.
    pub fn call_all(&mut self, keys: &[&str], commands: &[Vec<String>]) -> Vec<Vec<u8>> {
        let mut parts: HashMap<u16, Vec<usize>> = HashMap::new();
        for (index, key) in keys.iter().enumerate() {
            parts.entry(self.place(key)).or_default().push(index);
        }
        let mut replies = vec![Vec::new(); keys.len()];
        for (port, part) in parts {
            let sent: Vec<Vec<String>> =
                part.iter().filter_map(|index| commands.get(*index).cloned()).collect();
            let came = self.client(port).and_then(|client| client.pipeline(&sent));
            if came.is_err() {
                self.clients.remove(&port);
            }
            for (index, reply) in part.into_iter().zip(came.unwrap_or_default()) {
                replies.get_mut(index).into_iter().for_each(|place| place.clone_from(&reply));
            }
        }
        for ((key, command), reply) in keys.iter().zip(commands).zip(&mut replies) {
            if reply.is_empty() || reply.starts_with(b"-") {
                let words: Vec<&str> = command.iter().map(String::as_str).collect();
                *reply = self.call(key, &words).unwrap_or_default();
            }
        }
        replies
    }

    fn client(&mut self, port: u16) -> Outcome<&mut Client> {
        match self.clients.entry(port) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                Ok(new.insert(Client::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?))
            }
        }
    }

    fn call_at<W: AsRef<[u8]>>(
        &mut self,
        port: u16,
        words: &[W],
        asking: bool,
    ) -> Outcome<Vec<u8>> {
        let client = self.client(port)?;
        if asking {
            client.expect("ASKING", "+OK")?;
        }
        client.call(words)
    }
}
