//! The arguments of FT.SEARCH, and of FT.EXPLAIN, which takes the same.

mod error;
mod parse;

pub use error::Error;

use crate::plan::{Order, Scoring};
use crate::query::{self, Kind, Node, Params, Range, Reading, Stopwords, Unit, circle, parse};
use crate::schema::{self, Schema};

/// What a request is read with: settings of the server, and limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The dialect of a request that names none. 1.
    pub dialect: u8,
    /// The greatest offset and number of results. 1,000,000.
    pub results_max: u64,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { dialect: 1, results_max: 1_000_000 }
    }
}

/// A switch of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `EXPLAINSCORE`
    ExplainScore,
    /// `INORDER`
    InOrder,
    /// `NOCONTENT`, or `RETURN 0`
    NoContent,
    /// `NOSTOPWORDS`
    NoStopwords,
    /// `VERBATIM`
    Verbatim,
    /// `WITHPAYLOADS`
    WithPayloads,
    /// `WITHSCORES`
    WithScores,
    /// `WITHSORTKEYS`
    WithSortKeys,
}

impl Switch {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ExplainScore,
        Self::InOrder,
        Self::NoContent,
        Self::NoStopwords,
        Self::Verbatim,
        Self::WithPayloads,
        Self::WithScores,
        Self::WithSortKeys,
    ];

    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExplainScore => "EXPLAINSCORE",
            Self::InOrder => "INORDER",
            Self::NoContent => "NOCONTENT",
            Self::NoStopwords => "NOSTOPWORDS",
            Self::Verbatim => "VERBATIM",
            Self::WithPayloads => "WITHPAYLOADS",
            Self::WithScores => "WITHSCORES",
            Self::WithSortKeys => "WITHSORTKEYS",
        }
    }
}

/// A field that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// The field, or the path in the document.
    pub path: Box<[u8]>,
    /// The name in the reply.
    pub name: Box<[u8]>,
}

/// `GEOFILTER`
#[derive(Clone, Debug, PartialEq)]
pub struct GeoFilter {
    /// The field.
    pub field: Box<[u8]>,
    /// Degrees.
    pub longitude: f64,
    /// Degrees.
    pub latitude: f64,
    /// In `unit`.
    pub radius: f64,
    /// The unit of the radius.
    pub unit: Unit,
}

/// `FORMAT`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON values are unfolded: RESP3 only.
    Expand,
    /// Values are texts.
    #[default]
    String,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The text of the query.
    pub text: Box<[u8]>,
    /// `DIALECT`
    pub dialect: u8,
    /// `PARAMS`
    pub params: Params,
    /// The switches that are on.
    pub switches: Vec<Switch>,
    /// `FILTER`
    pub filters: Vec<Range>,
    /// `GEOFILTER`
    pub geo_filters: Vec<GeoFilter>,
    /// `INKEYS`
    pub keys: Option<Vec<Box<[u8]>>>,
    /// `INFIELDS`
    pub text_fields: Option<Vec<Box<[u8]>>>,
    /// `RETURN`
    pub returns: Option<Vec<Return>>,
    /// `SORTBY`
    pub order: Option<Order>,
    /// `LIMIT`: how many results are passed over, and how many answered.
    pub limit: (u64, u64),
    /// `TIMEOUT` in milliseconds; 0 for none, `None` for the server's.
    pub timeout_ms: Option<u64>,
    /// `SCORER`
    pub scorer: Option<Box<[u8]>>,
    /// `FORMAT`
    pub format: Format,
}

impl Request {
    /// Whether a switch is on.
    #[must_use]
    pub fn has(&self, switch: Switch) -> bool {
        self.switches.contains(&switch)
    }

    /// How matches are scored.
    #[must_use]
    pub fn scoring(&self) -> Scoring {
        match self.scorer.as_deref() {
            Some(b"DOCSCORE") => Scoring::Document,
            _ => Scoring::Words,
        }
    }

    /// The query with the filters that stand beside its text.
    ///
    /// # Errors
    /// [`query::Error`]: of the text, then of the filters.
    pub fn query(&self, schema: &Schema) -> Result<Node, query::Error> {
        let stopwords = if self.has(Switch::NoStopwords) {
            Stopwords::none()
        } else {
            Stopwords::of(schema.stopwords.as_deref())
        };
        let reading =
            Reading { dialect: self.dialect, params: &self.params, stopwords: &stopwords };
        let mut query = parse(&self.text, &reading)?;
        for filter in &self.filters {
            self.check_field(schema, &filter.field, "numeric")?;
            query = filtered(query, Kind::Numeric(filter.clone()));
        }
        for filter in &self.geo_filters {
            self.check_field(schema, &filter.field, "geo")?;
            let GeoFilter { field, longitude, latitude, radius, unit } = filter;
            let unit = unit.name().as_bytes();
            let circle = circle(field.clone(), *longitude, *latitude, *radius, unit)?;
            query = filtered(query, Kind::Geo(circle));
        }
        if let Some(keys) = &self.keys {
            query = filtered(query, Kind::Keys(keys.clone()));
        }
        Ok(query)
    }

    /// Dialect 1 takes a filter of any field, and matches nothing if it is of another kind.
    fn check_field(
        &self,
        schema: &Schema,
        name: &[u8],
        kind: &'static str,
    ) -> Result<(), query::Error> {
        let Some(field) = schema.field(name) else {
            let known = self.dialect == 1;
            return if known { Ok(()) } else { Err(query::Error::UnknownField(name.into())) };
        };
        let wanted = match field.kind {
            schema::Kind::Geo => "geo",
            schema::Kind::Numeric => "numeric",
            schema::Kind::Shape { .. }
            | schema::Kind::Tag(_)
            | schema::Kind::Text(_)
            | schema::Kind::Vector(_) => "",
        };
        if wanted == kind || self.dialect == 1 {
            Ok(())
        } else {
            Err(query::Error::NotOfKind(name.into(), kind))
        }
    }

    /// The fields of `RETURN` in the order of the reply: distances first, then what is sorted by,
    /// as observed.
    #[must_use]
    pub fn returned(&self, distances: &[&[u8]]) -> Option<Vec<&Return>> {
        let order = self.order.as_ref().map(|order| &*order.property);
        let rank = |one: &Return| {
            let is_distance = distances.contains(&&*one.name);
            (!is_distance, Some(&*one.name) != order)
        };
        let mut returns: Vec<&Return> = self.returns.as_ref()?.iter().collect();
        returns.sort_by_key(|one| rank(one));
        Some(returns)
    }
}

/// The query narrowed by a filter, which goes in front; that of vectors is narrowed inside.
fn filtered(query: Node, filter: Kind) -> Node {
    let filter = Node::from(filter);
    let Node { kind, attributes, scope } = query;
    let kind = match kind {
        Kind::And(mut children) => {
            children.insert(0, filter);
            Kind::And(children)
        }
        Kind::Knn(mut knn) => {
            knn.filter = Some(match knn.filter.take() {
                Some(inner) => filtered(inner, filter.kind),
                None => filter,
            });
            Kind::Knn(knn)
        }
        kind @ (Kind::All
        | Kind::Exact(_)
        | Kind::Geo(_)
        | Kind::Keys(_)
        | Kind::Missing(_)
        | Kind::Not(_)
        | Kind::Nothing
        | Kind::Numeric(_)
        | Kind::Optional(_)
        | Kind::Or(_)
        | Kind::Tags(..)
        | Kind::Text(_)
        | Kind::Within(_)) => {
            return Kind::And(vec![filter, Node { kind, attributes, scope }]).into();
        }
    };
    Node { kind, attributes, scope }
}
