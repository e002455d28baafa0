//! Moving vectors into their graphs.

use hashbrown::HashSet;

use super::vectors::VectorField;
use super::{Index, lock};
use crate::index::DocId;
use crate::index::vector::{Cancel, Probe, Scratch};

/// What a step of settling left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing is to be done.
    All,
    /// There is more.
    Part,
    /// What is left is in the hands of other threads, or cannot grow.
    Stuck,
}

/// Vectors that threads are placing: the place of their field, and their document.
pub(super) type Claims = HashSet<(usize, DocId)>;

/// What a thread does next.
enum Task {
    /// A vector is placed in the graph.
    Place(usize, DocId, Probe),
    /// A number that is gone is taken out.
    Remove(usize, DocId),
}

impl Index {
    /// Moves up to `budget` vectors into their graphs, and out of them what is gone; for workers,
    /// any number at a time, until it says [`Settled::All`]. Makes what is queued, too.
    ///
    /// A vector takes about `EF_CONSTRUCTION * M` distances of reading, and a few hundred of
    /// writing.
    pub fn settle(&self, budget: usize, scratch: &mut Scratch, cancel: &Cancel) -> Settled {
        self.apply_some();
        for _ in 0..budget {
            if cancel.is_raised() {
                return Settled::Part;
            }
            match self.next_task() {
                Some(Task::Remove(place, id)) => self.remove_stale(place, id, scratch),
                Some(Task::Place(place, id, probe)) => {
                    let grew = self.place(place, id, &probe, scratch);
                    lock(&self.claims).remove(&(place, id));
                    if !grew {
                        return Settled::Stuck;
                    }
                }
                None => return self.settled(),
            }
        }
        self.settled()
    }

    fn settled(&self) -> Settled {
        let is_all = self.backlog() == 0;
        if is_all {
            Settled::All
        } else if lock(&self.claims).is_empty() {
            Settled::Part
        } else {
            Settled::Stuck
        }
    }

    /// Makes what is queued, in steps.
    fn apply_some(&self) {
        while self.ledger.waiting() > 0 {
            self.ledger.write().apply(self.settings.changes_at_once);
        }
    }

    fn next_task(&self) -> Option<Task> {
        let state = self.ledger.read(true);
        let mut claims = lock(&self.claims);
        let fields = state.vectors.0.iter().enumerate();
        let fields = fields.filter_map(|(place, field)| Some((place, field.as_ref()?)));
        fields.into_iter().find_map(|(place, field)| {
            if let Some(id) = field.first_stale() {
                return Some(Task::Remove(place, id));
            }
            let (id, probe) = field.next_fresh(|id| !claims.contains(&(place, id)))?;
            claims.insert((place, id));
            Some(Task::Place(place, id, probe))
        })
    }

    fn remove_stale(&self, place: usize, id: DocId, scratch: &mut Scratch) {
        self.ledger.write().with_vectors(place, |field| field.remove_stale(id, scratch));
    }

    /// Whether the graph could grow.
    fn place(&self, place: usize, id: DocId, probe: &Probe, scratch: &mut Scratch) -> bool {
        let placement = match self.ledger.read(true).vectors.0.get(place) {
            Some(Some(field)) => field.place(probe, scratch),
            Some(None) | None => None,
        };
        let Some(placement) = placement else { return true };
        let settle = |field: &mut VectorField| field.settle(id, probe, &placement);
        !matches!(self.ledger.write().with_vectors(place, settle), Some(Err(_)))
    }
}
