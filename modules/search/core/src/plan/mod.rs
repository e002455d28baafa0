//! From a query to its documents: which there are, in which order, and why it was done so.

mod cost;
mod evaluate;
mod filtered;
mod nearest;
mod options;
mod page;

pub use cost::{Choice, Costs, Strategy, choose};
pub use evaluate::{Distances, Matches, evaluate, plan};
pub use nearest::{Nearest, Neighbour, Search, Vectors, Way};
pub use options::{Policy, VectorOptions};
pub use page::{Hit, Order, Page, Scoring, page, sorted, unknown_values, unsorted};

use std::cell::RefCell;

use crate::documents::Documents;
use crate::index::Fields;
use crate::index::tag::Expansion;
use crate::index::vector::{Cancel, Scratch};
use crate::schema::Schema;

/// What queries are answered from.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What the index declares.
    pub schema: &'a Schema,
    /// Its documents.
    pub documents: &'a Documents,
    /// Its indexes, but for vectors.
    pub fields: &'a Fields,
    /// Its vectors.
    pub vectors: &'a dyn Vectors,
    /// How far patterns go.
    pub expansion: Expansion,
    /// What searches of vectors write on.
    pub scratch: &'a RefCell<Scratch>,
    /// Whether to give up.
    pub cancel: &'a Cancel,
}
