//! A cluster: a tracking connection to each primary, and one table of who serves which slot.

mod clerk;
mod job;
mod redirect;
mod share;
mod slot;
mod table;
mod view;

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak};

use redis::Value;

use crate::address::{Address, Place};
use crate::clock::Moment;
use crate::entry::Entry;
use crate::error::Error;
use crate::id::{Key, Lookup};
use crate::link::{Common, Link, Order, Pending, gone, pilot, uncached};
use crate::request::{Question, packed};
use crate::settings::Settings;
use crate::tracking::{find, with};

use job::{Job, Read, Run};
use redirect::Next;
use share::Share;
use table::{Claim, NOBODY, Node, Table};
use view::{Line, View};

/// Nodes that name each other for a slot are asked so often in turn before there is a pause.
const HOPS: u32 = 4;

/// The nodes of a cluster.
pub(crate) struct Cluster {
    pub(crate) settings: Settings,
    pub(crate) common: Common,
    seeds: Vec<Address>,
    table: Arc<Table>,
    view: Share,
    nodes: RwLock<Nodes>,
    sleepers: Sender<oneshot::Sender<()>>,
    me: Weak<Self>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cluster of {:?}", self.seeds)
    }
}

/// A connection, and where it leads.
struct Member {
    host: String,
    name: Option<String>,
    port: u16,
    link: Arc<Link<Share>>,
}

impl Member {
    fn is_at(&self, host: &str, port: u16) -> bool {
        self.port == port && (self.host == host || self.name.as_deref() == Some(host))
    }
}

/// Connections by their number in the table. Numbers are given out in turn, so that whoever still
/// holds the one of a node that is gone meets no other.
#[derive(Default)]
struct Nodes {
    members: Vec<Option<Member>>,
    next: Node,
}

impl Nodes {
    fn get(&self, node: Node) -> Option<&Member> {
        self.members.get(usize::from(node))?.as_ref()
    }

    fn at(&self, host: &str, port: u16) -> Option<Node> {
        self.all().find(|(_, member)| member.is_at(host, port)).map(|(node, _)| node)
    }

    fn all(&self) -> impl Iterator<Item = (Node, &Member)> {
        let numbered = (0..NOBODY).zip(&self.members);
        numbered.filter_map(|(node, member)| Some((node, member.as_ref()?)))
    }

    /// The next number that is nobody's.
    fn vacancy(&mut self) -> Option<Node> {
        if self.members.is_empty() {
            self.members.resize_with(usize::from(NOBODY), || None);
        }
        for _ in 0..NOBODY {
            let node = self.next;
            self.next = node.wrapping_add(1) % NOBODY;
            if self.get(node).is_none() {
                return Some(node);
            }
        }
        None
    }

    fn put(&mut self, node: Node, member: Option<Member>) {
        if let Some(seat) = self.members.get_mut(usize::from(node)) {
            *seat = member;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.close();
    }
}

impl Cluster {
    /// Connects to the first node that answers, and to those that it names.
    pub(crate) async fn connect(
        settings: Settings,
        seeds: Vec<Address>,
    ) -> Result<Arc<Self>, Error> {
        let cluster = Self::new(settings, seeds)?;
        let mut failure = Error::Down("no node is named".into());
        for seed in &cluster.seeds {
            match cluster.enter(seed).await {
                Ok(()) => return Ok(Arc::clone(&cluster)),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn new(settings: Settings, seeds: Vec<Address>) -> Result<Arc<Self>, Error> {
        let (sleepers, asleep) = mpsc::channel();
        let table = Arc::new(Table::new(settings.staleness_max));
        let cluster = Arc::new_cyclic(|me| Self {
            common: Common::new(&settings),
            settings,
            seeds,
            view: Share { table: Arc::clone(&table), node: NOBODY, cluster: Weak::clone(me) },
            table,
            nodes: RwLock::default(),
            sleepers,
            me: Weak::clone(me),
        });
        clerk::start(asleep, Arc::downgrade(&cluster))?;
        Ok(cluster)
    }

    async fn enter(&self, seed: &Address) -> Result<(), Error> {
        let Place::Tcp { host, port, .. } = &seed.place else {
            return Err(Error::Url("a cluster is reached by TCP".into()));
        };
        let (ready, connected) = oneshot::async_channel();
        let node = self.add(host, None, *port, Some(ready))?;
        let entered = connected.await.unwrap_or_else(|_| Err(gone()));
        let link = self.link(node).ok_or_else(gone)?;
        let asked = match entered {
            Ok(()) => link.words(&[b"CLUSTER", b"NODES"]).await,
            Err(error) => Err(error),
        };
        let learned =
            asked.and_then(|reply| View::read(&reply)).map(|view| self.learn(node, &view));
        if learned.is_err() {
            self.remove(node);
        }
        learned.map(drop)
    }

    fn nodes(&self) -> RwLockReadGuard<'_, Nodes> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, node: Node) -> Option<Arc<Link<Share>>> {
        self.nodes().get(node).map(|member| Arc::clone(&member.link))
    }

    fn links(&self) -> Vec<Arc<Link<Share>>> {
        self.nodes().all().map(|(_, member)| Arc::clone(&member.link)).collect()
    }

    /// The node that serves the slot.
    fn route(&self, slot: u16) -> Option<(Node, Arc<Link<Share>>)> {
        let node = self.table.node(slot)?;
        Some((node, self.link(node)?))
    }

    /// Starts to connect to a node, unless it is known.
    fn add(
        &self,
        host: &str,
        name: Option<&str>,
        port: u16,
        ready: Option<oneshot::Sender<Result<(), Error>>>,
    ) -> Result<Node, Error> {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = nodes.at(host, port).filter(|_| ready.is_none()) {
            return Ok(node);
        }
        let node = nodes.vacancy().ok_or_else(|| Error::Down("too many nodes".into()))?;
        let share = Share { table: Arc::clone(&self.table), node, cluster: Weak::clone(&self.me) };
        let mut settings = self.settings.clone();
        let tls = matches!(settings.address.place, Place::Tcp { tls: true, .. });
        // Certificates are made out to names.
        let reached = name.filter(|_| tls).unwrap_or(host).to_owned();
        settings.address.place = Place::Tcp { host: reached, port, tls };
        let link = pilot::start(settings, self.common.clone(), Arc::new(share), ready)?;
        let (host, name) = (host.to_owned(), name.map(str::to_owned));
        nodes.put(node, Some(Member { host, name, port, link }));
        Ok(node)
    }

    fn remove(&self, node: Node) {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = nodes.get(node) {
            member.link.close();
        }
        nodes.put(node, None);
    }

    /// Applies what a node tells, from whom it came; false when that one is not known any more.
    pub(crate) fn learn(&self, from: Node, view: &View) -> bool {
        let Some(own) = view.myself() else { return false };
        if !self.rename(from, own) {
            return false;
        }
        let claim = |node, line: &'_ Line| (node, line.epoch, line.slots.clone());
        let others: Vec<_> = view
            .nodes
            .iter()
            .filter(|line| line.primary && !line.myself && !line.slots.is_empty())
            .filter_map(|line| Some(claim(self.named(from, line)?, line)))
            .collect();
        let others: Vec<Claim<'_>> = others
            .iter()
            .map(|(node, epoch, slots)| Claim { node: *node, epoch: *epoch, slots, moving: &[] })
            .collect();
        // A replica has its primary's epoch, and no slots.
        let own = Claim { node: from, epoch: own.epoch, slots: &own.slots, moving: &own.moving };
        self.table.apply(&own, &others);
        self.retire(view);
        true
    }

    /// A node says by which name it goes, which need not be the one by which it was found.
    fn rename(&self, node: Node, own: &Line) -> bool {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let Some(member) = nodes.members.get_mut(usize::from(node)).and_then(Option::as_mut) else {
            return false;
        };
        if !own.host.is_empty() && own.port != 0 {
            (member.host, member.port) = (own.host.clone(), own.port);
            member.name.clone_from(&own.name);
        }
        true
    }

    /// The number of the node of this line, which is connected to if need be.
    fn named(&self, from: Node, line: &Line) -> Option<Node> {
        if line.port == 0 {
            return None;
        }
        let host = self.host(from, &line.host)?;
        let known = self.nodes().at(&host, line.port);
        if line.failing {
            // One that has failed is not worth a new connection.
            return known;
        }
        known.or_else(|| self.add(&host, line.name.as_deref(), line.port, None).ok())
    }

    /// Where a node says that another one is, whose host it may not name: then it is its own.
    fn host(&self, from: Node, host: &str) -> Option<String> {
        let own = || self.nodes().get(from).map(|member| member.host.clone());
        if host.is_empty() || host == "?" { own() } else { Some(host.to_owned()) }
    }

    /// Ends the connections to nodes that serve nothing, and are no primaries.
    fn retire(&self, view: &View) {
        let primaries = || view.nodes.iter().filter(|line| line.primary);
        let listed = |member: &Member| {
            primaries().any(|line| line.myself || member.is_at(&line.host, line.port))
        };
        let idle = |node: Node, member: &Member| !listed(member) && !self.table.holds(node);
        let retired: Vec<Node> = self
            .nodes()
            .all()
            .filter(|(node, member)| idle(*node, member))
            .map(|(node, _)| node)
            .collect();
        retired.into_iter().for_each(|node| self.remove(node));
    }

    /// Asks all nodes who serves what; those that were named first, when none is left.
    pub(super) fn hurry(&self) {
        let links = self.links();
        links.iter().for_each(|link| link.hurry());
        if links.iter().any(|link| link.is_up()) {
            return;
        }
        for seed in &self.seeds {
            if let Place::Tcp { host, port, .. } = &seed.place {
                // What cannot be started now is tried again.
                let _ = self.add(host, None, *port, None);
            }
        }
    }

    async fn pause(&self) {
        let (sleeper, woken) = oneshot::async_channel();
        if self.sleepers.send(sleeper).is_ok() {
            // Woken or dropped: the pause is over.
            let _ = woken.await;
        }
    }

    /// Asks the node that serves the slot, and whom it names instead, until one has answered.
    async fn follow<J: Job>(&self, slot: u16, job: &J) -> Result<J::Out, Error> {
        let until = Moment::now().after(self.settings.timeout);
        let mut hops = 0_u32;
        loop {
            let route = self.route(slot);
            let from = route.as_ref().map(|(node, _)| *node);
            let error = match self.ask(slot, job, route).await {
                Ok(out) => return Ok(out),
                Err(error) => error,
            };
            hops = hops.saturating_add(1);
            let error = match Next::of(&error, J::READS) {
                Next::Moved(place) if !hops.is_multiple_of(HOPS) => {
                    self.moved(slot, from, &place)?;
                    continue;
                }
                Next::Ask(place) => match self.asking(slot, job, from, &place).await {
                    Ok(out) => return Ok(out),
                    Err(error) if Next::of(&error, J::READS) == Next::Fail => return Err(error),
                    Err(error) => error,
                },
                Next::Moved(_) | Next::Pause => error,
                Next::Fail => return Err(error),
            };
            if Moment::now() > until {
                return Err(error);
            }
            self.pause().await;
        }
    }

    async fn ask<J: Job>(
        &self,
        slot: u16,
        job: &J,
        route: Option<(Node, Arc<Link<Share>>)>,
    ) -> Result<J::Out, Error> {
        let nobody = || Error::Down(format!("no node serves slot {slot}").into());
        let (_, link) = route.ok_or_else(nobody)?;
        match job.start(&link) {
            Some(doing) => doing.await.unwrap_or_else(|_| Err(gone())),
            None => Err(down(&link)),
        }
    }

    /// A node says that the slot is another's: what was read of it is invisible before that one is
    /// asked.
    fn moved(&self, slot: u16, from: Option<Node>, to: &redirect::Place) -> Result<(), Error> {
        let to = self.found(from, to)?;
        self.table.moved(slot, from, to);
        self.link(to).inspect(|link| link.hurry());
        Ok(())
    }

    /// The slot is being moved: what was read of it is invisible before the other node is asked,
    /// whose reply is not kept.
    async fn asking<J: Job>(
        &self,
        slot: u16,
        job: &J,
        from: Option<Node>,
        to: &redirect::Place,
    ) -> Result<J::Out, Error> {
        self.table.shut(slot);
        let link = self.link(self.found(from, to)?).ok_or_else(gone)?;
        let (packed, keys) = job.bare();
        let order = Order { packed: &packed, keys, everything: false, asking: true };
        let Some(doing) = link.start_command(&order) else { return Err(down(&link)) };
        doing.await.unwrap_or_else(|_| Err(gone())).map(J::out)
    }

    fn found(&self, from: Option<Node>, place: &redirect::Place) -> Result<Node, Error> {
        let host = self.host(from.unwrap_or(NOBODY), &place.host).ok_or_else(gone)?;
        self.add(&host, None, place.port, None)
    }

    /// Calls `read` with what is cached and may be served.
    #[inline]
    pub(crate) fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        with(&*self.common.store, &self.view, lookup, Moment::now(), read)
    }

    /// A hit: what is cached and may be served.
    #[inline]
    pub(crate) fn find(&self, lookup: Lookup<'_>) -> Option<Entry> {
        find(&*self.common.store, &self.view, lookup, Moment::now())
    }

    /// Asks the node that serves the keys, or waits with those who have asked.
    pub(crate) async fn fetch(&self, question: &Question) -> Result<Entry, Error> {
        let slot = slot::common(question.keys())?.unwrap_or(0);
        if question.keys().iter().all(|key| self.settings.mode.covers(key)) {
            return self.follow(slot, &Read(question)).await;
        }
        let mut bare = Vec::new();
        question.pack_bare(&mut bare);
        self.follow(slot, &Run { packed: &bare, keys: &[] }).await.map(uncached)
    }

    /// Asks each node for its part at once; what is not answered is asked alone.
    pub(crate) async fn fetch_many(&self, questions: &[Question]) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::with_capacity(questions.len());
        for (question, pending) in questions.iter().zip(self.start_many(questions)) {
            let answer = match pending {
                Some(pending) => pending.await.unwrap_or_else(|_| Err(gone())),
                None => Err(gone()),
            };
            entries.push(match answer {
                Err(error) if Next::of(&error, true) != Next::Fail => self.fetch(question).await?,
                other => other?,
            });
        }
        Ok(entries)
    }

    fn start_many(&self, questions: &[Question]) -> Vec<Option<Pending>> {
        let mut pending: Vec<Option<Pending>> = questions.iter().map(|_| None).collect();
        let mut parts: Vec<Part<'_>> = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            let key = question.keys().first().map(|key| slot::slot(key));
            let Some((node, link)) = key.and_then(|slot| self.route(slot)) else { continue };
            match parts.iter_mut().find(|part| part.node == node) {
                Some(part) => part.questions.push((index, question)),
                None => parts.push(Part { node, link, questions: vec![(index, question)] }),
            }
        }
        for part in parts {
            let questions: Vec<_> = part.questions.iter().map(|(_, question)| *question).collect();
            for ((index, _), started) in part.questions.iter().zip(part.link.start_many(&questions))
            {
                pending.get_mut(*index).into_iter().zip([started]).for_each(|(seat, started)| {
                    *seat = Some(started);
                });
            }
        }
        pending
    }

    /// Runs a command on the node that serves its keys; without any, on one that is there; one that
    /// changes everything, on all primaries.
    pub(crate) async fn command(
        &self,
        packed: &[u8],
        keys: &[Key],
        everything: bool,
    ) -> Result<Value, Error> {
        if everything {
            return self.sweep(packed).await;
        }
        match slot::common(keys)? {
            Some(slot) => self.follow(slot, &Run { packed, keys }).await,
            None => self.anywhere(packed).await,
        }
    }

    /// A read that is not kept: it changes none of its keys.
    pub(crate) async fn read(&self, packed: &[u8], keys: &[Key]) -> Result<Value, Error> {
        match slot::common(keys)? {
            Some(slot) => self.follow(slot, &Run { packed, keys: &[] }).await,
            None => self.anywhere(packed).await,
        }
    }

    async fn anywhere(&self, packed: &[u8]) -> Result<Value, Error> {
        let until = Moment::now().after(self.settings.timeout);
        let order = Order { packed, keys: &[], everything: false, asking: false };
        loop {
            let started = self.links().iter().find_map(|link| link.start_command(&order));
            match started {
                Some(doing) => return doing.await.unwrap_or_else(|_| Err(gone())),
                None if Moment::now() > until => {
                    return Err(Error::Down("no node of the cluster is there".into()));
                }
                None => self.pause().await,
            }
        }
    }

    async fn sweep(&self, packed: &[u8]) -> Result<Value, Error> {
        let all = self.nodes().all().map(|(node, _)| node).collect::<Vec<_>>();
        let mut last = Err(Error::Down("no node of the cluster is there".into()));
        for node in all.into_iter().filter(|node| self.table.holds(*node)) {
            last = Ok(self.sweep_at(node, packed).await?);
        }
        last
    }

    async fn sweep_at(&self, node: Node, packed: &[u8]) -> Result<Value, Error> {
        let until = Moment::now().after(self.settings.timeout);
        let order = Order { packed, keys: &[], everything: true, asking: false };
        loop {
            let link = self.link(node).ok_or_else(gone)?;
            match link.start_command(&order) {
                Some(doing) => return doing.await.unwrap_or_else(|_| Err(gone())),
                None if Moment::now() > until => return Err(down(&link)),
                None => self.pause().await,
            }
        }
    }

    /// A write whose keys only the server knows; it is asked for them.
    pub(crate) async fn hidden(&self, words: &[&[u8]]) -> Result<Value, Error> {
        let mut asked: Vec<&[u8]> = vec![b"COMMAND", b"GETKEYS"];
        asked.extend(words);
        let reply = self.anywhere(&packed(&asked)).await?;
        let Value::Array(found) = reply else {
            return Err(Error::Decode("COMMAND GETKEYS gave no list".into()));
        };
        let keys: Vec<Key> = found
            .into_iter()
            .filter_map(
                |key| if let Value::BulkString(key) = key { Some(key.into()) } else { None },
            )
            .collect();
        self.command(&packed(words), &keys, false).await
    }

    /// Whether the node that serves the key is connected.
    pub(crate) fn is_up(&self, key: &[u8]) -> bool {
        self.route(slot::slot(key)).is_some_and(|(_, link)| link.is_up())
    }

    pub(crate) fn forget(&self, key: &[u8]) {
        self.links().iter().for_each(|link| link.forget(key));
    }

    pub(crate) fn forget_all(&self) {
        self.links().iter().for_each(|link| link.forget_all());
    }

    pub(crate) fn absent(&self, key: &Key) {
        self.route(slot::slot(key)).inspect(|(_, link)| link.absent(key));
    }

    /// Until when all nodes that serve slots are proven.
    pub(crate) fn until(&self) -> Moment {
        let nodes = self.nodes();
        let holders = nodes.all().map(|(node, _)| node).filter(|node| self.table.holds(*node));
        holders.map(|node| self.table.until(node)).min().unwrap_or(Moment::ORIGIN)
    }

    pub(crate) fn close(&self) {
        self.links().iter().for_each(|link| link.close());
    }
}

/// What one node is asked of many.
struct Part<'a> {
    node: Node,
    link: Arc<Link<Share>>,
    questions: Vec<(usize, &'a Question)>,
}

/// The error of a node that is not there, which is no reason to give up.
fn down(link: &Link<Share>) -> Error {
    let cause = link.cause();
    if let Error::Down(_) = cause { cause } else { Error::Down(cause.to_string().into()) }
}
