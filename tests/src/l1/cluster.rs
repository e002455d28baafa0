//! Clusters without modules, behind the client-side cache.

use crate::cluster::Shape;
pub use crate::cluster::{Cluster, Walker};
use crate::{Name, Outcome, Value, cluster};

use super::number;
use super::rules::Other;

/// Runs `body` with a cluster of each server that the cache is tested on.
pub fn on_each_cluster(
    primaries: usize,
    replicas: bool,
    body: impl Fn(Name, &mut Cluster) -> Outcome<()>,
) -> Outcome<()> {
    let shape = Shape { primaries, replicas, node: |spec| spec };
    cluster::on_each_cluster_of(&super::servers()?, shape, body)
}

impl Other for Walker {
    fn write(&mut self, key: &str, number: u64) -> bool {
        let number = number.to_string();
        self.call(key, &["SET", key, &number]).is_ok_and(|reply| reply == b"+OK\r\n")
    }

    fn truth(&mut self, keys: &[String]) -> Vec<u64> {
        let value = |reply: Vec<u8>| number(Value::decode(&reply).ok()?.bytes().ok()?);
        let reply = |key: &String| self.call(key, &["GET", key]).unwrap_or_default();
        keys.iter().map(reply).map(|reply| value(reply).unwrap_or(0)).collect()
    }
}
