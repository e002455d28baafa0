//! What MRANGE, MGET, QUERYINDEX and QUERYLABELS ask of many series.

use super::range::Range;
use super::words::Words;
use crate::aggregate::Aggregator;
use crate::error::Error;
use crate::filter::Filter;

/// Which labels are told of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// None.
    Nothing,
    /// All.
    All,
    /// These, null where there is none.
    Selected(Box<[Box<[u8]>]>),
}

/// GROUPBY label REDUCE reducer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The label by whose value series are put together.
    pub label: Box<[u8]>,
    /// How values of one time are made one.
    pub reducer: Aggregator,
}

/// What MRANGE asks.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiRange {
    /// What each series is asked for.
    pub range: Range,
    /// Which labels are told.
    pub told: Told,
    /// Which series are asked.
    pub filter: Filter,
    /// How they are put together.
    pub group: Option<Group>,
    /// Whether series without a sample are left out.
    pub exclude_empty: bool,
}

/// What MGET asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiGet {
    /// Whether the open bucket of a compaction is told.
    pub latest: bool,
    /// Which labels are told.
    pub told: Told,
    /// Which series are asked.
    pub filter: Filter,
}

/// What QUERYLABELS asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryLabels {
    /// The label whose values are told; names are if there is none.
    pub label: Option<Box<[u8]>>,
    /// Which series are asked.
    pub filter: Option<Filter>,
}

/// Words that end SELECTED_LABELS.
const KEYWORDS: [&str; 9] = [
    "WITHLABELS",
    "AGGREGATION",
    "LATEST",
    "FILTER",
    "FILTER_BY_TS",
    "FILTER_BY_VALUE",
    "COUNT",
    "ALIGN",
    "EXCLUDEEMPTY",
];

/// Most words behind SELECTED_LABELS.
const SELECTED_MAX: usize = 50;

fn told(words: Words<'_>) -> Result<Told, Error> {
    let selected = words.find("SELECTED_LABELS");
    if words.find("WITHLABELS").is_some() {
        return if selected.is_some() { Err(Error::LabelsBoth) } else { Ok(Told::All) };
    }
    let Some(place) = selected else { return Ok(Told::Nothing) };
    let is_keyword =
        |word: &&&[u8]| KEYWORDS.iter().any(|k| k.as_bytes().eq_ignore_ascii_case(word));
    let names = words.part(place + 1, words.len()).iter().take_while(|word| !is_keyword(word));
    let names: Box<[Box<[u8]>]> = names.map(|name| (*name).into()).collect();
    match names.len() {
        0 => Err(Error::SelectedLabels),
        1..=SELECTED_MAX => Ok(Told::Selected(names)),
        _ => Err(Error::SelectedLabelsMany),
    }
}

impl MultiRange {
    /// Reads what stands behind the command's name.
    ///
    /// # Errors
    /// What is wrong; `name` is the command's.
    pub fn parse(words: Words<'_>, name: &'static str) -> Result<Self, Error> {
        // What stands behind FILTER is the filter's: a label may be called as an option is.
        let filter = words.find("FILTER");
        let head = Words(words.part(0, filter.map_or(words.len(), |place| place + 1)));
        let range = Range::parse(head, 1)?;
        let told = told(head)?;
        let filter = filter.ok_or(Error::FilterMissing)?;
        if head.find("GROUPBY").is_some() {
            return Err(Error::GroupByOrder);
        }
        let exclude_empty = head.find("EXCLUDEEMPTY").is_some();
        let tail = Words(words.part(filter, words.len()));
        let groupby = tail.find("GROUPBY");
        let expressions = tail.part(1, groupby.unwrap_or(tail.len()));
        if expressions.is_empty() {
            return Err(Error::FilterNoLabels);
        }
        let filter = Filter::parse(expressions)?;
        let group = groupby.map(|place| group(tail, place, name)).transpose()?;
        if group.is_some() {
            check_group(&range, exclude_empty)?;
        }
        Ok(Self { range, told, filter, group, exclude_empty })
    }
}

fn check_group(range: &Range, exclude_empty: bool) -> Result<(), Error> {
    if range.query.width() > 1 {
        return Err(Error::GroupByAggregators);
    }
    if exclude_empty { Err(Error::ExcludeEmpty) } else { Ok(()) }
}

fn group(words: Words<'_>, place: usize, name: &'static str) -> Result<Group, Error> {
    if words.len() != place + 4 || !words.is(place + 2, "REDUCE") {
        return Err(Error::Arity(name));
    }
    let label = words.get(place + 1).unwrap_or_default().into();
    let reducer = words.get(place + 3).and_then(Aggregator::parse);
    let reducer = reducer.filter(|reducer| reducer.can_reduce()).ok_or(Error::Reducer)?;
    Ok(Group { label, reducer })
}

impl MultiGet {
    /// Reads what stands behind the command's name.
    ///
    /// # Errors
    /// What is wrong; `name` is the command's.
    pub fn parse(words: Words<'_>, name: &'static str) -> Result<Self, Error> {
        let Some(filter) = words.find("FILTER") else { return Err(Error::FilterMissing) };
        let head = Words(words.part(0, filter + 1));
        let told = told(head)?;
        let expressions = words.part(filter + 1, words.len());
        if expressions.is_empty() {
            return Err(Error::Arity(name));
        }
        let latest = head.find("LATEST").is_some();
        Ok(Self { latest, told, filter: Filter::parse(expressions)? })
    }
}

impl QueryLabels {
    /// Reads what stands behind the command's name.
    ///
    /// # Errors
    /// What is wrong; `name` is the command's.
    pub fn parse(words: Words<'_>, name: &'static str) -> Result<Self, Error> {
        let (label, next) = if words.is(1, "LABELS") {
            (None, 2)
        } else if words.is(1, "VALUES") {
            (Some(words.get(2).ok_or(Error::Arity(name))?.into()), 3)
        } else {
            return Err(Error::Subtype);
        };
        let filter = match words.part(next, words.len()) {
            [] => None,
            [first, ..] if !first.eq_ignore_ascii_case(b"FILTER") => return Err(Error::FilterWord),
            [_] => return Err(Error::FilterNoExpression),
            [_, expressions @ ..] => Some(Filter::parse(expressions)?),
        };
        Ok(Self { label, filter })
    }
}
