//! Clusters without modules, behind the client-side cache.

pub use crate::cluster::{Cluster, Walker, option};
use crate::{Name, Outcome, Spec, Value, cluster};

use super::rules::Other;
use super::{number, sets};

/// Runs `body` with a cluster of each server that the cache is tested on.
pub fn on_each_cluster(
    primaries: usize,
    replicas: bool,
    body: impl Fn(Name, &mut Cluster) -> Outcome<()>,
) -> Outcome<()> {
    on_each_cluster_as(|spec| spec, primaries, replicas, body)
}

/// As [`on_each_cluster`], of nodes that are started so.
pub fn on_each_cluster_as(
    spec: impl Fn(Spec) -> Spec + Sync,
    primaries: usize,
    replicas: bool,
    body: impl Fn(Name, &mut Cluster) -> Outcome<()>,
) -> Outcome<()> {
    cluster::on_each_cluster_as(&super::servers()?, spec, primaries, replicas, body)
}

impl Other for Walker {
    fn write(&mut self, key: &str, number: u64) -> bool {
        let number = number.to_string();
        self.call(key, &["SET", key, &number]).is_ok_and(|reply| reply == b"+OK\r\n")
    }

    fn write_all(&mut self, writes: &[(&str, u64)]) -> Vec<bool> {
        let keys: Vec<&str> = writes.iter().map(|(key, _)| *key).collect();
        let replies = self.call_all(&keys, &sets(writes));
        replies.iter().map(|reply| reply == b"+OK\r\n").collect()
    }

    fn truth(&mut self, keys: &[String]) -> Vec<u64> {
        let gets: Vec<Vec<String>> =
            keys.iter().map(|key| vec!["GET".into(), key.clone()]).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let value = |reply: Vec<u8>| number(Value::decode(&reply).ok()?.bytes().ok()?);
        let replies = self.call_all(&keys, &gets);
        replies.into_iter().map(|reply| value(reply).unwrap_or(0)).collect()
    }
}
