//! What a vector index does for queries.

use std::cell::RefCell;

use super::Costs;
use crate::index::vector::{Cancel, Refused, Scratch};
use crate::index::{DocId, DocSet};

/// A document and how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The document.
    pub document: DocId,
    /// The distance of its nearest vector.
    pub distance: f64,
}

/// What is done with a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Its links are followed, wherever they lead; what is not allowed is not answered.
    #[default]
    AllLinks,
    /// All that is allowed is compared: the answer is exact.
    Scan,
    /// Only what is allowed is measured, and reached over one other vector at most.
    TwoHops,
}

/// How a search is done.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The documents to choose from; `None` for all.
    pub allowed: Option<&'a DocSet>,
    /// Candidates a graph search keeps.
    pub effort: u64,
    /// By how much of its radius a range search of a graph looks further; `None` for the index's
    /// own.
    pub epsilon: Option<f64>,
    /// What is done with a graph.
    pub way: Way,
    /// What the search writes on.
    pub scratch: &'a RefCell<Scratch>,
    /// Whether to give up; what was found so far is answered.
    pub cancel: &'a Cancel,
}

/// A vector index.
///
/// Every document stands at most once in an answer, with its nearest vector; the nearest first, the
/// lower number first at equal distances.
pub trait Nearest {
    /// How many vectors there are.
    fn len(&self) -> usize;

    /// How many documents have a vector, or fewer where some have several.
    fn documents(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `query` has distances to vectors here.
    ///
    /// # Errors
    /// [`Refused`]: it has none, and searches find nothing.
    fn check(&self, query: &[u8]) -> Result<(), Refused>;

    /// The `k` nearest documents, or as many as were found: with [`Way::Scan`] that is all there are.
    /// `query` has the size of a vector's blob.
    fn search(&self, query: &[u8], k: usize, how: &Search<'_>) -> Vec<Neighbour>;

    /// The documents at `radius` or nearer.
    fn range(&self, query: &[u8], radius: f64, how: &Search<'_>) -> Vec<Neighbour>;

    /// What comparing and walking cost here.
    fn costs(&self) -> Costs;
}

/// The vector indexes of a schema.
pub trait Vectors {
    /// The index of the field at `place` in the schema, if it is one of vectors.
    fn field(&self, place: usize) -> Option<&dyn Nearest>;
}
