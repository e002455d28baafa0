//! Query texts: what they mean, and what they look like as a tree.

mod attributes;
mod error;
mod explain;
mod lexer;
mod node;
mod params;
mod parser;
mod parser_field;
mod parser_vector;
mod stopwords;

pub use error::{Error, VectorFault};
pub use explain::{explain, explain_lines};
pub use node::{Attributes, Circle, Kind, Knn, Node, Pattern, Range, Unit, VectorOption, Within};
pub use params::{Params, number_range};
pub use parser::{DEPTH_MAX, TEXT_MAX, parse};
pub(crate) use parser_field::circle;
pub use stopwords::Stopwords;

/// What a text is read with.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// 1 to 4.
    pub dialect: u8,
    /// `PARAMS`.
    pub params: &'a Params,
    /// Words that are left out.
    pub stopwords: &'a Stopwords,
}

#[cfg(test)]
mod tests;
