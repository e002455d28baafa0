//! The tree of a query as FT.EXPLAIN prints it.

use std::fmt::Write as _;

use super::{Circle, Kind, Knn, Node, Pattern, Range, VectorOption, Within};
use crate::code::lossy;
use crate::print::{fixed, general};
use crate::schema::{self, Schema};

/// The tree, a line each node, two blanks each level.
#[must_use]
pub fn explain(query: &Node, schema: &Schema) -> String {
    let mut out = Out { text: String::new(), schema };
    out.node(query, 0);
    out.text
}

/// The lines of the tree; the last is empty, as observed.
#[must_use]
pub fn explain_lines(query: &Node, schema: &Schema) -> Vec<String> {
    explain(query, schema).split('\n').map(str::to_owned).collect()
}

struct Out<'a> {
    text: String,
    schema: &'a Schema,
}

impl Out<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pad(&mut self, depth: usize) {
        self.text.extend(std::iter::repeat_n("  ", depth));
    }

    /// Numbers, places and vectors are looked for in their own field only.
    fn scope(&mut self, node: &Node) {
        let own = matches!(node.kind, Kind::Numeric(_) | Kind::Geo(_));
        let Some(scope) = node.scope.as_deref().filter(|_| !own) else { return };
        let fields = self.schema.fields.iter();
        let names: Vec<String> = fields
            .filter(|field| matches!(field.kind, schema::Kind::Text(_)))
            .filter(|field| scope.contains(&field.name))
            .map(|field| lossy(&field.name))
            .collect();
        let names = if names.is_empty() { "NULL".to_owned() } else { names.join("|") };
        self.put(&format!("@{names}:"));
    }

    fn node(&mut self, node: &Node, depth: usize) {
        self.pad(depth);
        self.scope(node);
        match &node.kind {
            Kind::All => self.put("<WILDCARD>"),
            Kind::And(_) => self.parent("INTERSECT {", node, depth),
            Kind::Exact(_) => self.parent("EXACT {", node, depth),
            Kind::Geo(circle) => self.put(&geo(circle)),
            Kind::Keys(keys) => self.put(&format!("IDS {{{} keys", keys.len())),
            Kind::Knn(knn) => self.knn(knn, node, depth),
            Kind::Missing(field) => self.put(&format!("ISMISSING{{{}", lossy(field))),
            Kind::Not(_) => self.parent("NOT{", node, depth),
            Kind::Nothing => self.put("<empty>"),
            Kind::Numeric(range) => self.put(&numeric(range)),
            Kind::Optional(_) => self.parent("OPTIONAL{", node, depth),
            Kind::Or(_) => self.parent("UNION {", node, depth),
            Kind::Tags(field, tags) => self.tags(field, tags, depth),
            Kind::Text(word) => return self.word(word, node),
            Kind::Within(within) => self.put(&range(within)),
        }
        self.put("}");
        self.attributes(node);
        self.put("\n");
    }

    fn parent(&mut self, name: &str, node: &Node, depth: usize) {
        self.put(name);
        self.put("\n");
        for child in node.children() {
            self.node(child, depth + 1);
        }
        self.pad(depth);
    }

    fn tags(&mut self, field: &[u8], tags: &[Pattern], depth: usize) {
        self.put(&format!("TAG:@{} {{\n", lossy(field)));
        for tag in tags {
            self.pad(depth + 1);
            self.put(&pattern(tag));
            self.put("\n");
        }
        self.pad(depth);
    }

    fn word(&mut self, word: &Pattern, node: &Node) {
        self.put(&pattern(word));
        let weight = node.attributes.weight;
        if weight != 1.0 {
            self.put(&format!(" => {{$weight: {};}}", general(weight, 6)));
        }
        self.put("\n");
    }

    fn knn(&mut self, knn: &Knn, node: &Node, depth: usize) {
        self.put("VECTOR {");
        if knn.filter.is_some() {
            self.parent("", node, depth);
            self.put("} => {");
        }
        self.put(&nearest(knn));
    }

    fn attributes(&mut self, node: &Node) {
        let attributes = node.attributes;
        let mut text = String::new();
        if attributes.weight != 1.0 {
            let _ = write!(text, " $weight: {};", general(attributes.weight, 6));
        }
        if let Some(slop) = attributes.slop {
            let _ = write!(text, " $slop: {slop};");
        }
        if attributes.slop.is_some() || attributes.in_order {
            let _ = write!(text, " $inorder: {};", attributes.in_order);
        }
        if !text.is_empty() {
            self.put(&format!(" => {{{text} }}"));
        }
    }
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Fuzzy(text, _) => format!("FUZZY{{{}}}", lossy(text)),
        Pattern::Infix(text) => format!("INFIX{{*{}*}}", lossy(text)),
        Pattern::Prefix(text) => format!("PREFIX{{{}*}}", lossy(text)),
        Pattern::Suffix(text) => format!("SUFFIX{{*{}}}", lossy(text)),
        Pattern::Wildcard(text) => format!("WILDCARD{{{}}}", lossy(text)),
        Pattern::Word(text) => lossy(text),
    }
}

fn numeric(range: &Range) -> String {
    let sign = |out: bool| if out { "<" } else { "<=" };
    format!(
        "NUMERIC {{{} {} @{} {} {}",
        fixed(range.min),
        sign(range.above_min),
        lossy(&range.field),
        sign(range.below_max),
        fixed(range.max)
    )
}

fn geo(circle: &Circle) -> String {
    format!(
        "GEO {}:{{{},{} --> {} {}",
        lossy(&circle.field),
        fixed(circle.longitude),
        fixed(circle.latitude),
        fixed(circle.radius),
        circle.unit.name()
    )
}

fn nearest(knn: &Knn) -> String {
    format!(
        "K={} nearest vectors to `${}` in vector index associated with field @{}{}, yields distance as `{}`",
        knn.k,
        lossy(&knn.parameter),
        lossy(&knn.field),
        options(&knn.options),
        lossy(&knn.distance)
    )
}

fn range(within: &Within) -> String {
    let yields =
        within.distance.as_deref().map(|name| format!(", yields distance as `{}`", lossy(name)));
    format!(
        "VECTOR {{Vectors that are within {} distance from `${}` in vector index associated with field @{}{}{}",
        general(within.radius, 6),
        lossy(&within.parameter),
        lossy(&within.field),
        options(&within.options),
        yields.unwrap_or_default()
    )
}

fn options(options: &[VectorOption]) -> String {
    options
        .iter()
        .map(|option| format!(", {} = {}", lossy(&option.name), lossy(&option.value)))
        .collect()
}
