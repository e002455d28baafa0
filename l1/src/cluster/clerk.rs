//! The thread that wakes those who wait for the cluster to settle.

use std::sync::Weak;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use oneshot::Sender;

use super::Cluster;
use crate::error::Error;

/// How long those wait whom no node can serve at this moment.
const PAUSE: Duration = Duration::from_millis(10);

/// Starts the thread; it ends when no sender is left.
pub(super) fn start(sleepers: Receiver<Sender<()>>, cluster: Weak<Cluster>) -> Result<(), Error> {
    let work = move || {
        while let Ok(first) = sleepers.recv() {
            cluster.upgrade().inspect(|cluster| cluster.hurry());
            thread::sleep(PAUSE);
            for sleeper in [first].into_iter().chain(sleepers.try_iter()) {
                // One who does not wait any more is no error.
                let _ = sleeper.send(());
            }
        }
    };
    thread::Builder::new().name("keyspan-l1-cluster".into()).spawn(work)?;
    Ok(())
}
