//! From words to a request.

use super::{Defaults, Error, Format, GeoFilter, Request, Return, Switch};
use crate::plan::Order;
use crate::query::{Params, Range, Unit, number_range};
use crate::schema::language;
use crate::words::{Fault, Words};

/// The scorers RediSearch knows.
const SCORERS: [&str; 9] = [
    "TFIDF",
    "TFIDF.DOCNORM",
    "BM25",
    "BM25STD",
    "BM25STD.NORM",
    "BM25STD.TANH",
    "DISMAX",
    "DOCSCORE",
    "HAMMING",
];

impl Request {
    /// Reads the words behind the index name.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(words: &[&[u8]], defaults: &Defaults) -> Result<Self, Error> {
        let mut words = Words::new(words);
        let text = words.take().map_err(|_| Error::NoQuery)?;
        let request = Self {
            text: text.into(),
            dialect: defaults.dialect,
            params: Params::default(),
            switches: Vec::new(),
            filters: Vec::new(),
            geo_filters: Vec::new(),
            keys: None,
            text_fields: None,
            returns: None,
            order: None,
            limit: (0, 10),
            timeout_ms: None,
            scorer: None,
            format: Format::default(),
        };
        let mut draft = Draft { request, has_params: false, results_max: defaults.results_max };
        while let Some(word) = words.peek() {
            let position = words.position();
            if !draft.take(&mut words)? {
                return Err(Error::Unknown(word.into(), position));
            }
        }
        draft.finish()
    }
}

/// What is read so far.
struct Draft {
    request: Request,
    has_params: bool,
    results_max: u64,
}

impl Draft {
    /// Takes one argument. False if the next word is none.
    fn take(&mut self, words: &mut Words<'_>) -> Result<bool, Error> {
        Ok(self.take_switch(words)
            || self.take_list(words)?
            || self.take_string(words)?
            || self.take_filter(words)?
            || self.take_common(words)?
            || self.take_markup(words)?)
    }

    fn take_switch(&mut self, words: &mut Words<'_>) -> bool {
        let switch = Switch::ALL.into_iter().find(|switch| words.take_keyword(switch.name()));
        self.request.switches.extend(switch);
        switch.is_some()
    }

    fn take_list(&mut self, words: &mut Words<'_>) -> Result<bool, Error> {
        if let Some(list) = list(words, "INKEYS")? {
            // A list of nothing is none.
            self.request.keys = (!list.is_empty()).then(|| list.owned());
        } else if let Some(list) = list(words, "INFIELDS")? {
            self.request.text_fields = Some(list.owned());
        } else if let Some(list) = list(words, "RETURN")? {
            self.request.returns = Some(returns(list)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_string(&mut self, words: &mut Words<'_>) -> Result<bool, Error> {
        if words.take_keyword("SLOP") {
            words.integer().map_err(|fault| Error::Bad("SLOP", fault))?;
        } else if let Some(name) = option(words, "LANGUAGE")? {
            language(name).ok_or_else(|| Error::Language(name.into()))?;
        } else if let Some(name) = option(words, "SCORER")? {
            if !SCORERS.iter().any(|scorer| scorer.as_bytes() == name) {
                return Err(Error::Scorer(name.into()));
            }
            self.request.scorer = Some(name.into());
        } else {
            return Ok(option(words, "EXPANDER")?.is_some() || option(words, "PAYLOAD")?.is_some());
        }
        Ok(true)
    }

    fn take_filter(&mut self, words: &mut Words<'_>) -> Result<bool, Error> {
        if words.take_keyword("FILTER") {
            self.request.filters.push(filter(words)?);
        } else if words.take_keyword("GEOFILTER") {
            self.request.geo_filters.push(geo_filter(words)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_common(&mut self, words: &mut Words<'_>) -> Result<bool, Error> {
        if words.take_keyword("LIMIT") {
            self.request.limit = limit(words, self.results_max)?;
        } else if words.take_keyword("SORTBY") {
            self.sort(words)?;
        } else if words.take_keyword("PARAMS") {
            self.params(words)?;
        } else if words.take_keyword("TIMEOUT") {
            self.request.timeout_ms = Some(timeout(words)?);
        } else if words.take_keyword("DIALECT") {
            self.request.dialect = dialect(words)?;
        } else if words.take_keyword("FORMAT") {
            self.request.format = format(words)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn sort(&mut self, words: &mut Words<'_>) -> Result<(), Error> {
        if self.request.order.is_some() {
            return Err(Error::SortTwice);
        }
        let property = words.take().map_err(|_| Error::Sort)?.into();
        let descending = words.take_keyword("DESC");
        if !descending {
            words.take_keyword("ASC");
        }
        self.request.order = Some(Order { property, descending });
        Ok(())
    }

    fn params(&mut self, words: &mut Words<'_>) -> Result<(), Error> {
        let list = words.list().map_err(|fault| Error::Bad("PARAMS", fault))?;
        if std::mem::replace(&mut self.has_params, true) {
            return Err(Error::ParamsTwice);
        }
        if list.is_empty() || list.len() % 2 == 1 {
            return Err(Error::ParamsOdd);
        }
        for pair in list.rest().chunks_exact(2) {
            if let [name, value] = pair
                && !self.request.params.add(name, value)
            {
                return Err(Error::ParamDuplicate((*name).into()));
            }
        }
        Ok(())
    }

    /// `SUMMARIZE` and `HIGHLIGHT` mark words of full text; they are read and mean nothing yet.
    fn take_markup(&mut self, words: &mut Words<'_>) -> Result<bool, Error> {
        if words.take_keyword("SUMMARIZE") {
            summarize(words).map_err(|_| Error::Summarize)?;
        } else if words.take_keyword("HIGHLIGHT") {
            highlight(words).map_err(|_| Error::Highlight)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn finish(mut self) -> Result<Request, Error> {
        let request = &mut self.request;
        if request.returns.as_ref().is_some_and(Vec::is_empty) {
            request.switches.push(Switch::NoContent);
        }
        if request.has(Switch::ExplainScore) && !request.has(Switch::WithScores) {
            return Err(Error::ExplainAlone);
        }
        Ok(self.request)
    }
}

/// The word behind `name`, if that comes next.
fn option<'a>(words: &mut Words<'a>, name: &'static str) -> Result<Option<&'a [u8]>, Error> {
    if !words.take_keyword(name) {
        return Ok(None);
    }
    words.take().map(Some).map_err(|fault| Error::Bad(name, fault))
}

/// The words counted behind `name`, if that comes next.
fn list<'a>(words: &mut Words<'a>, name: &'static str) -> Result<Option<Words<'a>>, Error> {
    if !words.take_keyword(name) {
        return Ok(None);
    }
    words.list().map(Some).map_err(|fault| Error::Bad(name, fault))
}

fn returns(mut list: Words<'_>) -> Result<Vec<Return>, Error> {
    let mut returns: Vec<Return> = Vec::new();
    while let Ok(path) = list.take() {
        let mut name = path;
        if list.take_keyword("AS") {
            name = list.take().map_err(|_| Error::ReturnName)?;
            if name.eq_ignore_ascii_case(b"AS") {
                return Err(Error::ReturnAs);
            }
        }
        if !returns.iter().any(|one| &*one.name == name) {
            returns.push(Return { path: path.into(), name: name.into() });
        }
    }
    Ok(returns)
}

fn filter(words: &mut Words<'_>) -> Result<Range, Error> {
    if words.len() < 3 {
        return Err(Error::FilterCount);
    }
    let missing = |_| Error::FilterCount;
    let field = words.take().map_err(missing)?.into();
    let (low, high) = (words.take().map_err(missing)?, words.take().map_err(missing)?);
    let end =
        |text: &[u8], name| number_range(text).ok_or_else(|| Error::FilterEnd(name, text.into()));
    let (min, above_min) = end(low, "lower")?;
    let (max, below_max) = end(high, "upper")?;
    Ok(Range { field, min, max, above_min, below_max })
}

fn geo_filter(words: &mut Words<'_>) -> Result<GeoFilter, Error> {
    if words.len() < 5 {
        return Err(Error::GeoCount);
    }
    let field = words.take().map_err(|_| Error::GeoCount)?.into();
    let mut number = |name| words.double().map_err(|fault| Error::Bad(name, fault));
    let (longitude, latitude) = (number("<lon>")?, number("<lat>")?);
    let radius = number("<radius>")?;
    let unit = words.take().map_err(|_| Error::GeoCount)?;
    let unit = Unit::named(unit).ok_or_else(|| Error::GeoUnit(unit.into()))?;
    Ok(GeoFilter { field, longitude, latitude, radius, unit })
}

fn limit(words: &mut Words<'_>, max: u64) -> Result<(u64, u64), Error> {
    if words.len() < 2 {
        return Err(Error::LimitCount);
    }
    let mut number = || words.unsigned(0).map_err(|_| Error::LimitNumber);
    match (number()?, number()?) {
        (offset, 0) if offset > 0 => Err(Error::LimitOffset),
        (_, limit) if limit > max => Err(Error::LimitOver(max)),
        (offset, _) if offset > max => Err(Error::OffsetOver(max)),
        both => Ok(both),
    }
}

fn timeout(words: &mut Words<'_>) -> Result<u64, Error> {
    match words.unsigned(0) {
        // An `int` of the reference's.
        Ok(ms) if i32::try_from(ms).is_ok() => Ok(ms),
        Err(Fault::Missing) => Err(Error::TimeoutMissing),
        Ok(_) | Err(Fault::Bounds | Fault::Convert | Fault::Unknown) => Err(Error::Timeout),
    }
}

fn dialect(words: &mut Words<'_>) -> Result<u8, Error> {
    match words.unsigned(1) {
        Ok(dialect @ 1..=4) => u8::try_from(dialect).map_err(|_| Error::Dialect),
        Err(Fault::Missing) => Err(Error::DialectMissing),
        Ok(_) | Err(Fault::Bounds | Fault::Convert | Fault::Unknown) => Err(Error::Dialect),
    }
}

fn format(words: &mut Words<'_>) -> Result<Format, Error> {
    let name = words.take().map_err(|_| Error::FormatMissing)?;
    match name.to_ascii_uppercase().as_slice() {
        b"STRING" => Ok(Format::String),
        b"EXPAND" => Ok(Format::Expand),
        _ => Err(Error::Format(name.into())),
    }
}

fn summarize(words: &mut Words<'_>) -> Result<(), Fault> {
    loop {
        if words.take_keyword("FIELDS") {
            words.list()?;
        } else if words.take_keyword("FRAGS") || words.take_keyword("LEN") {
            words.unsigned(1)?;
        } else if words.take_keyword("SEPARATOR") {
            words.take()?;
        } else {
            return Ok(());
        }
    }
}

fn highlight(words: &mut Words<'_>) -> Result<(), Fault> {
    loop {
        if words.take_keyword("FIELDS") {
            words.list()?;
        } else if words.take_keyword("TAGS") {
            words.take()?;
            words.take()?;
        } else {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
