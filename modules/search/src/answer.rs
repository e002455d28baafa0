//! The reply of a search: results with what was asked of their documents.

use std::sync::Arc;

use keyspan_common::reply::Reply;
use keyspan_search_core::documents::SortValue;
use keyspan_search_core::engine::Answer;
use keyspan_search_core::plan::Hit;
use keyspan_search_core::print::general;
use keyspan_search_core::request::{Format, Request, Switch};
use keyspan_search_core::schema::Schema;
use keyspan_server::Server;

use crate::document::{Document, Pair};
use crate::expanded;
use crate::follow::DATABASE;
use crate::registry::Entry;

/// Digits of distances and of numbers that results are sorted by, as RediSearch prints them.
const DIGITS: usize = 12;
/// Digits that tell any double.
const DIGITS_MAX: usize = 17;

/// What is written behind the results.
pub(crate) type Added<'a> = &'a dyn Fn(&mut dyn Reply);

/// A result with its content.
struct Row<'a> {
    hit: &'a Hit,
    pairs: Vec<Pair>,
    payload: Option<Box<[u8]>>,
}

/// An answer on its way to the client.
pub(crate) struct Results<'a> {
    request: &'a Request,
    schema: Arc<Schema>,
    answer: &'a Answer,
    /// Whether values are JSON texts, to be written as values of the protocol.
    expands: bool,
}

impl<'a> Results<'a> {
    pub(crate) fn new(entry: &'a Arc<Entry>, request: &'a Request, answer: &'a Answer) -> Self {
        Self { request, schema: entry.index.schema(), answer, expands: false }
    }

    /// Writes the reply, and behind it what a profile adds. Documents are read now: one that is gone
    /// since the search is left out.
    pub(crate) fn write(
        mut self,
        server: &Server<'_>,
        reply: &mut dyn Reply,
        profile: Option<Added<'_>>,
    ) {
        self.expands = reply.is_resp3() && self.request.format == Format::Expand;
        let rows = self.rows(server);
        let gone = self.answer.hits.len().saturating_sub(rows.len()) as u64;
        let total = i64::try_from(self.answer.total.saturating_sub(gone)).unwrap_or(i64::MAX);
        if reply.is_resp3() {
            reply.map(5 + usize::from(profile.is_some()));
            self.write_map(total, &rows, reply);
        } else {
            self.write_array(total, &rows, reply);
        }
        if let Some(profile) = profile {
            if reply.is_resp3() {
                reply.simple("profile");
            }
            profile(reply);
        }
    }

    fn rows(&self, server: &Server<'_>) -> Vec<Row<'a>> {
        let hits = self.answer.hits.iter();
        if self.request.has(Switch::NoContent) && !self.request.has(Switch::WithPayloads) {
            return hits.map(|hit| Row { hit, pairs: Vec::new(), payload: None }).collect();
        }
        server
            .in_database(DATABASE, |server| hits.filter_map(|hit| self.row(server, hit)).collect())
    }

    /// A result with what is answered of its document; `None` if it is gone.
    fn row(&self, server: &Server<'_>, hit: &'a Hit) -> Option<Row<'a>> {
        let key = server.open(&hit.key)?;
        let document = Document::of(&key, self.schema.source)?;
        let payload = self.schema.payload_field.as_deref();
        let payload = payload.and_then(|field| document.text(field, false));
        let pairs = if self.request.has(Switch::NoContent) {
            Vec::new()
        } else {
            self.pairs(&document, hit)
        };
        Some(Row { hit, pairs, payload })
    }

    fn pairs(&self, document: &Document<'_>, hit: &Hit) -> Vec<Pair> {
        let names: Vec<&[u8]> = self.answer.distances.iter().map(|name| &**name).collect();
        let Some(returns) = self.request.returned(&names) else {
            return self.everything(document, hit);
        };
        let value = |path: &[u8], name: &[u8]| {
            let value = self.distance(hit, path).or_else(|| self.value(document, path))?;
            Some((Box::from(name), value))
        };
        returns.iter().filter_map(|one| value(&one.path, &one.name)).collect()
    }

    /// The distances, what is sorted by, and the whole document.
    fn everything(&self, document: &Document<'_>, hit: &Hit) -> Vec<Pair> {
        let distances = self.answer.distances.iter();
        let mut pairs: Vec<Pair> =
            distances.filter_map(|name| Some((name.clone(), self.distance(hit, name)?))).collect();
        if let Some(order) = &self.request.order
            && !self.answer.distances.contains(&order.property)
            && let Some(value) = self.value(document, &order.property)
        {
            pairs.push((order.property.clone(), value));
        }
        for (name, value) in self.all(document) {
            if !pairs.iter().any(|(other, _)| *other == name) {
                pairs.push((name, value));
            }
        }
        pairs
    }

    /// The distance of this name.
    fn distance(&self, hit: &Hit, name: &[u8]) -> Option<Box<[u8]>> {
        let place = self.answer.distances.iter().position(|other| **other == *name)?;
        let distance = hit.distances.get(place).copied().flatten()?;
        let digits = if self.expands { DIGITS_MAX } else { DIGITS };
        Some(general(distance, digits).into_bytes().into())
    }

    /// The value of a field of the schema, or of the document.
    fn value(&self, document: &Document<'_>, name: &[u8]) -> Option<Box<[u8]>> {
        let field = self.schema.field(name);
        let identifier = field.map_or(name, |field| field.identifier());
        self.text(document, identifier)
    }

    /// From dialect 3 on all matches of a JSON path are answered.
    const fn is_multi(&self) -> bool {
        self.request.dialect >= 3
    }

    fn text(&self, document: &Document<'_>, identifier: &[u8]) -> Option<Box<[u8]>> {
        if self.expands && !self.is_multi() {
            return document.json_text(identifier).map(expanded::scalar);
        }
        document.text(identifier, self.is_multi())
    }

    fn all(&self, document: &Document<'_>) -> Vec<Pair> {
        if self.expands {
            let whole = self.text(document, b"$");
            return whole.map(|text| (Box::from(*b"$"), text)).into_iter().collect();
        }
        document.all(self.is_multi())
    }

    fn write_array(&self, total: i64, rows: &[Row<'_>], reply: &mut dyn Reply) {
        let request = self.request;
        let has = |switch| usize::from(request.has(switch));
        let content = 1 - has(Switch::NoContent);
        let of_each = 1
            + has(Switch::WithScores)
            + has(Switch::WithPayloads)
            + has(Switch::WithSortKeys)
            + content;
        reply.array(1 + rows.len() * of_each);
        reply.integer(total);
        for row in rows {
            reply.bulk(&row.hit.key);
            self.write_score(row.hit, reply);
            if request.has(Switch::WithPayloads) {
                write_payload(row, reply);
            }
            if request.has(Switch::WithSortKeys) {
                self.write_sort_key(row.hit, reply);
            }
            if content == 1 {
                reply.array(row.pairs.len() * 2);
                write_pairs(&row.pairs, reply);
            }
        }
    }

    fn write_map(&self, total: i64, rows: &[Row<'_>], reply: &mut dyn Reply) {
        reply.simple("attributes");
        reply.array(0);
        reply.simple("format");
        reply.simple(if self.expands { "EXPAND" } else { "STRING" });
        reply.simple("results");
        reply.array(rows.len());
        rows.iter().for_each(|row| self.write_row(row, reply));
        reply.simple("total_results");
        reply.integer(total);
        reply.simple("warning");
        reply.array(usize::from(self.answer.is_partial));
        if self.answer.is_partial {
            reply.simple("Timeout limit was reached");
        }
    }

    fn write_row(&self, row: &Row<'_>, reply: &mut dyn Reply) {
        let request = self.request;
        let has = |switch| usize::from(request.has(switch));
        let content = 1 - has(Switch::NoContent);
        reply.map(
            2 + content
                + has(Switch::WithScores)
                + has(Switch::WithPayloads)
                + has(Switch::WithSortKeys),
        );
        reply.simple("id");
        reply.bulk(&row.hit.key);
        if request.has(Switch::WithScores) {
            reply.simple("score");
            self.write_score(row.hit, reply);
        }
        if request.has(Switch::WithPayloads) {
            reply.simple("payload");
            write_payload(row, reply);
        }
        if request.has(Switch::WithSortKeys) {
            reply.simple("sortkey");
            self.write_sort_key(row.hit, reply);
        }
        if content == 1 {
            reply.simple("extra_attributes");
            reply.map(row.pairs.len());
            if self.expands {
                write_expanded(&row.pairs, reply);
            } else {
                write_pairs(&row.pairs, reply);
            }
        }
        reply.simple("values");
        reply.array(0);
    }

    fn write_score(&self, hit: &Hit, reply: &mut dyn Reply) {
        if !self.request.has(Switch::WithScores) {
            return;
        }
        if self.request.has(Switch::ExplainScore) {
            reply.array(2);
            reply.double(hit.score);
            reply.line(format!("Document score {}", general(hit.score, 6)).as_bytes());
        } else {
            reply.double(hit.score);
        }
    }

    fn write_sort_key(&self, hit: &Hit, reply: &mut dyn Reply) {
        match &hit.sort_value {
            SortValue::Number(number) => {
                reply.bulk(format!("#{}", general(*number, DIGITS)).as_bytes());
            }
            SortValue::Text(text) => {
                let mut key = vec![b'$'];
                key.extend_from_slice(text);
                reply.bulk(&key);
            }
            SortValue::Missing => reply.null(),
        }
    }
}

fn write_payload(row: &Row<'_>, reply: &mut dyn Reply) {
    match &row.payload {
        Some(payload) => reply.bulk(payload),
        None => reply.null(),
    }
}

fn write_expanded(pairs: &[Pair], reply: &mut dyn Reply) {
    for (name, value) in pairs {
        reply.bulk(name);
        expanded::write(value, reply);
    }
}

fn write_pairs(pairs: &[Pair], reply: &mut dyn Reply) {
    for (name, value) in pairs {
        reply.bulk(name);
        reply.bulk(value);
    }
}
