//! Moving data sets: one of everything, a look at all of it, and what docs/migrate.md says of it.

mod data;
mod page;

pub use data::{View, equal, fill, make, settled, spec, view, write};
pub use page::{Cell, Road, cells, names, on_road, rows};
