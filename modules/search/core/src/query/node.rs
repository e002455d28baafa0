//! A query as a tree.

use std::sync::Arc;

/// A query, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it asks for.
    pub kind: Kind,
    /// How its matches count.
    pub attributes: Attributes,
    /// The fields its words are looked for in; `None` stands for all.
    pub scope: Option<Arc<[Box<[u8]>]>>,
}

/// What a [`Node`] asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Every document: `*`.
    All,
    /// What all children match.
    And(Vec<Node>),
    /// A phrase, word for word: `"a b"`.
    Exact(Vec<Node>),
    /// Places in a circle.
    Geo(Circle),
    /// Documents with one of these keys.
    Keys(Vec<Box<[u8]>>),
    /// The nearest vectors.
    Knn(Box<Knn>),
    /// Documents without the field.
    Missing(Box<[u8]>),
    /// What the child does not match.
    Not(Box<Node>),
    /// No document: an empty query.
    Nothing,
    /// Numbers in a range.
    Numeric(Range),
    /// Everything; what the child matches counts more.
    Optional(Box<Node>),
    /// What any child matches.
    Or(Vec<Node>),
    /// One of these tags.
    Tags(Box<[u8]>, Vec<Pattern>),
    /// A word of full text.
    Text(Pattern),
    /// Vectors within a distance.
    Within(Box<Within>),
}

/// A word, or what words look like. Escapes are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Words up to so many letters off: `%a%`.
    Fuzzy(Box<[u8]>, u8),
    /// Words that contain it: `*a*`.
    Infix(Box<[u8]>),
    /// Words that begin so: `a*`.
    Prefix(Box<[u8]>),
    /// Words that end so: `*a`.
    Suffix(Box<[u8]>),
    /// `w'a?b*'`: `?` is any byte, `*` any number of them.
    Wildcard(Box<[u8]>),
    /// The word itself.
    Word(Box<[u8]>),
}

/// Numbers of a field between two.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The field.
    pub field: Box<[u8]>,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Whether `min` itself is out.
    pub above_min: bool,
    /// Whether `max` itself is out.
    pub below_max: bool,
}

impl Range {
    /// Whether `number` is in it.
    #[must_use]
    pub fn contains(&self, number: f64) -> bool {
        let above = if self.above_min { number > self.min } else { number >= self.min };
        above && if self.below_max { number < self.max } else { number <= self.max }
    }
}

/// A unit of distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Metres.
    Metres,
    /// Kilometres.
    Kilometres,
    /// Feet.
    Feet,
    /// Miles.
    Miles,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Metres, Self::Kilometres, Self::Feet, Self::Miles];

    /// The name in a query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metres => "m",
            Self::Kilometres => "km",
            Self::Feet => "ft",
            Self::Miles => "mi",
        }
    }

    /// Metres in one, as Redis counts them.
    #[must_use]
    pub const fn metres(self) -> f64 {
        match self {
            Self::Metres => 1.0,
            Self::Kilometres => 1000.0,
            Self::Feet => 0.3048,
            Self::Miles => 1609.34,
        }
    }

    /// The unit of this name in any mix of cases.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| name.eq_ignore_ascii_case(unit.name().as_bytes()))
    }
}

/// Places of a field around one.
#[derive(Clone, Debug, PartialEq)]
pub struct Circle {
    /// The field.
    pub field: Box<[u8]>,
    /// Degrees, -180 to 180.
    pub longitude: f64,
    /// Degrees, -90 to 90.
    pub latitude: f64,
    /// In `unit`; above 0.
    pub radius: f64,
    /// The unit of the radius.
    pub unit: Unit,
}

/// An option of a vector query as written; whether it means something depends on the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorOption {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its value, parameters replaced.
    pub value: Box<[u8]>,
}

/// The vectors nearest to one: `[KNN k @field $vector ...]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Knn {
    /// Which documents are considered; `None` for all.
    pub filter: Option<Node>,
    /// The field.
    pub field: Box<[u8]>,
    /// How many; what does not fit is 0, as observed.
    pub k: u64,
    /// The name of the parameter that holds the vector.
    pub parameter: Box<[u8]>,
    /// The vector.
    pub blob: Box<[u8]>,
    /// The name the distance has in results.
    pub distance: Box<[u8]>,
    /// Whether that name was chosen by `AS` or an attribute.
    pub named: bool,
    /// Options in their order.
    pub options: Vec<VectorOption>,
}

/// The vectors within a distance of one: `@field:[VECTOR_RANGE radius $vector]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Within {
    /// The field.
    pub field: Box<[u8]>,
    /// The distance, itself included.
    pub radius: f64,
    /// The name of the parameter that holds the vector.
    pub parameter: Box<[u8]>,
    /// The vector.
    pub blob: Box<[u8]>,
    /// The name the distance has in results, if it is wanted.
    pub distance: Option<Box<[u8]>>,
    /// Options in their order.
    pub options: Vec<VectorOption>,
}

/// How the matches of a node count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attributes {
    /// `$weight`
    pub weight: f64,
    /// `$slop`
    pub slop: Option<i64>,
    /// `$inorder`
    pub in_order: bool,
    /// `$phonetic`
    pub phonetic: Option<bool>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { weight: 1.0, slop: None, in_order: false, phonetic: None }
    }
}

impl From<Kind> for Node {
    fn from(kind: Kind) -> Self {
        Self { kind, attributes: Attributes::default(), scope: None }
    }
}

impl Node {
    /// Its children.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.kind {
            Kind::And(nodes) | Kind::Or(nodes) | Kind::Exact(nodes) => nodes,
            Kind::Not(node) | Kind::Optional(node) => std::slice::from_ref(node),
            Kind::Knn(knn) => knn.filter.as_slice(),
            Kind::All
            | Kind::Geo(_)
            | Kind::Keys(_)
            | Kind::Missing(_)
            | Kind::Nothing
            | Kind::Numeric(_)
            | Kind::Tags(..)
            | Kind::Text(_)
            | Kind::Within(_) => &[],
        }
    }
}
