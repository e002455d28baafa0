//! A server and a model side by side, and the commands that both get.

use std::collections::{BTreeMap, BTreeSet};

use keyspan_tests::{Client, Failure, Outcome, Value, ensure};

use crate::{
    aggregate::{NAMES, REDUCERS, of_nothing, reduce},
    draw::Draw,
    model::{Added, Buckets, Policy, Rows, Rule, Series, buckets},
    query::Query,
};

/// The first moment: no bucket begins before 0.
const FIRST: u64 = 1_000;
const BLOCKED: &str = "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK \
                       mode, or either current or new value is NaN and DUPLICATE_POLICY is MAX/MIN/SUM";
const TOO_OLD: &str = "ERR TSDB: Timestamp is older than retention";
const TOO_LOW: &str =
    "TSDB: timestamp must be equal to or higher than the maximum existing timestamp";

/// Both.
pub(crate) struct World {
    client: Client,
    series: BTreeMap<String, Series>,
    draw: Draw,
    clock: u64,
}

impl World {
    /// Series of all policies, and two with rules of every aggregator.
    pub(crate) fn new(client: Client, seed: u64) -> Outcome<Self> {
        let mut world =
            Self { client, series: BTreeMap::new(), draw: Draw::new(seed), clock: FIRST };
        for (place, (policy, _)) in Policy::ALL.into_iter().enumerate() {
            let retention = if place == 2 { 700 } else { 0 };
            world.create(&format!("plain{place}"), policy, retention, (0, 0.0))?;
        }
        world.create("uncompressed", Policy::Last, 0, (0, 0.0))?;
        world.create("ignoring", Policy::Last, 0, (6, 20.0))?;
        // One that is only added to at its end, and one that is changed everywhere.
        for source in ["ordered", "changed"] {
            world.create(source, Policy::Last, 0, (0, 0.0))?;
            for aggregator in NAMES {
                if source == "ordered" || aggregator != "twa" {
                    world.rule(source, aggregator)?;
                }
            }
        }
        Ok(world)
    }

    fn create(
        &mut self,
        key: &str,
        policy: Policy,
        retention: u64,
        ignore: (u64, f64),
    ) -> Outcome<()> {
        let chunk = *self.draw.one_of(&[48, 64, 128, 1_024, 4_096]);
        let encoding = if key == "uncompressed" { "UNCOMPRESSED" } else { "COMPRESSED" };
        let labels = self.labels();
        let words: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label} {value}")).collect();
        let line = format!(
            "TS.CREATE {key} RETENTION {retention} ENCODING {encoding} CHUNK_SIZE {chunk} DUPLICATE_POLICY {} \
             IGNORE {} {} LABELS {}",
            name(policy),
            ignore.0,
            ignore.1,
            words.join(" ")
        );
        self.client.expect(&line, "+OK")?;
        let (samples, rules) = (BTreeMap::new(), Vec::new());
        let series = Series { samples, labels, policy, retention, ignore, rules, source: None };
        self.series.insert(key.to_owned(), series);
        Ok(())
    }

    fn labels(&mut self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([("all".to_owned(), "yes".to_owned())]);
        for label in ["group", "place", "kind"] {
            if !self.draw.once_in(4) {
                labels.insert(label.to_owned(), format!("v{}", self.draw.below(3)));
            }
        }
        labels
    }

    fn rule(&mut self, source: &str, aggregator: &'static str) -> Outcome<()> {
        let target = format!("{source}:{aggregator}");
        self.create(&target, Policy::Last, 0, (0, 0.0))?;
        let length = *self.draw.one_of(&[20, 50, 333]);
        let align = if self.draw.once_in(3) { self.draw.below(length) } else { 0 };
        let line =
            format!("TS.CREATERULE {source} {target} AGGREGATION {aggregator} {length} {align}");
        self.client.expect(&line, "+OK")?;
        self.at(&target).source = Some(source.to_owned());
        let rule = Rule { target, aggregator, buckets: Buckets { length, align } };
        self.at(source).rules.push(rule);
        Ok(())
    }

    fn at(&mut self, key: &str) -> &mut Series {
        self.series.get_mut(key).unwrap()
    }

    /// One command on both.
    pub(crate) fn step(&mut self) -> Outcome<()> {
        match self.draw.below(40) {
            0..=9 => self.add(true),
            10..=13 => self.add(false),
            14..=16 => self.add_many(),
            17..=18 => self.increase(),
            19 => self.remove(),
            20..=29 => self.range(),
            30..=31 => self.latest(),
            32 => self.ranges(),
            33 => self.group(),
            34 => self.index(),
            35 => self.last(),
            36 => self.info(),
            37 => self.move_away_and_back(),
            38 if self.draw.once_in(4) => self.alter(),
            39 if self.draw.once_in(20) => self.reload(),
            _ => self.add(true),
        }
    }

    /// A key that samples are added to.
    fn written(&mut self) -> String {
        let keys: Vec<_> =
            self.series.iter().filter(|(_, series)| series.source.is_none()).collect();
        self.draw.one_of(&keys).0.clone()
    }

    /// Any key.
    fn any(&mut self) -> String {
        let keys: Vec<_> = self.series.keys().collect();
        (*self.draw.one_of(&keys)).clone()
    }

    fn moment(&mut self, key: &str, at_end: bool) -> u64 {
        if at_end || key == "ordered" {
            self.clock += 1 + self.draw.below(30);
            return self.clock;
        }
        FIRST + self.draw.below(self.clock - FIRST + 1)
    }

    fn add(&mut self, at_end: bool) -> Outcome<()> {
        let key = self.written();
        let (moment, value) = (self.moment(&key, at_end), self.draw.value());
        let (policy, word) = *self.draw.one_of(&Policy::ALL);
        let policy = self.draw.once_in(4).then_some(policy);
        let word = policy.map(|_| format!(" ON_DUPLICATE {word}")).unwrap_or_default();
        let added = self.at(&key).add(moment, value, policy);
        let line = format!("TS.ADD {key} {moment} {value}{word}");
        same(&self.client.value(&line)?, &answer(&added), &line)
    }

    fn add_many(&mut self) -> Outcome<()> {
        let (mut line, mut expected) = ("TS.MADD".to_owned(), Vec::new());
        for _ in 0..=self.draw.below(30) {
            let (key, at_end) = (self.written(), !self.draw.once_in(3));
            let (moment, value) = (self.moment(&key, at_end), self.draw.value());
            line += &format!(" {key} {moment} {value}");
            expected.push(answer(&self.at(&key).add(moment, value, None)));
        }
        same(&self.client.value(&line)?, &Value::Array(expected), &line)
    }

    fn increase(&mut self) -> Outcome<()> {
        let key = self.written();
        let (at_end, by, down) = (!self.draw.once_in(4), self.draw.value(), self.draw.once_in(2));
        let moment = self.moment(&key, at_end);
        let (command, signed) = if down { ("TS.DECRBY", -by) } else { ("TS.INCRBY", by) };
        let expected = match self.at(&key).increase(moment, signed) {
            Some(moment) => integer(moment),
            None => Value::Error(TOO_LOW.to_owned()),
        };
        let line = format!("{command} {key} {by} TIMESTAMP {moment}");
        same(&self.client.value(&line)?, &expected, &line)
    }

    /// Where there are rules, only what no open bucket has.
    fn remove(&mut self) -> Outcome<()> {
        let key = self.written();
        let series = self.at(&key);
        let last = series.last().map_or(0, |(last, _)| last);
        let open = series.rules.iter().map(|rule| rule.buckets.start(last.max(FIRST))).min();
        let end = open.unwrap_or(last + 10);
        if key == "ordered" || end <= FIRST || series.retention > 0 {
            return Ok(());
        }
        let from = FIRST + self.draw.below(end - FIRST);
        let to = (from + self.draw.below(60)).min(end - 1);
        let removed = self.at(&key).remove(from, to);
        let line = format!("TS.DEL {key} {from} {to}");
        same(&self.client.value(&line)?, &integer(u64::try_from(removed).unwrap()), &line)
    }

    fn query(&mut self) -> Query {
        Query::draw(&mut self.draw, FIRST, self.clock)
    }

    /// What queries of a key see.
    fn seen(&self, key: &str) -> Vec<(u64, f64)> {
        let series = &self.series[key];
        let Some(source) = &series.source else { return series.visible() };
        let source = &self.series[source];
        let rule = source.rules.iter().find(|rule| rule.target == key).unwrap();
        source.compacted(rule)
    }

    fn range(&mut self) -> Outcome<()> {
        let (key, query) = (self.any(), self.query());
        let command = if query.is_reverse() { "TS.REVRANGE" } else { "TS.RANGE" };
        let line = format!("{command} {key} {}", query.words());
        let rows = query.answer(&self.seen(&key));
        same_rows(&self.client.value(&line)?, &rows, &line)
    }

    /// The bucket that is open, too.
    fn latest(&mut self) -> Outcome<()> {
        let key = self.any();
        let mut rows: Rows =
            self.seen(&key).into_iter().map(|(at, value)| (at, vec![value])).collect();
        if let Some(source) = &self.series[&key].source {
            let source = &self.series[source];
            let rule = source.rules.iter().find(|rule| rule.target == key).unwrap();
            rows = buckets(&source.visible(), rule.buckets, &[rule.aggregator]);
        }
        let line = format!("TS.RANGE {key} - + LATEST");
        same_rows(&self.client.value(&line)?, &rows, &line)?;
        let line = format!("TS.GET {key} LATEST");
        same_sample(&self.client.value(&line)?, rows.last(), &line)
    }

    fn last(&mut self) -> Outcome<()> {
        let key = self.any();
        let last = self.seen(&key).last().map(|(moment, value)| (*moment, vec![*value]));
        let line = format!("TS.GET {key}");
        same_sample(&self.client.value(&line)?, last.as_ref(), &line)
    }

    /// A filter, and the keys that it finds.
    fn filter(&mut self) -> (String, BTreeSet<String>) {
        let mut words = vec!["all=yes".to_owned()];
        let mut keys: BTreeSet<String> = self.series.keys().cloned().collect();
        for label in ["group", "place", "kind"] {
            let [one, other] =
                [self.draw.below(3), self.draw.below(3)].map(|value| format!("v{value}"));
            let word = match self.draw.below(9) {
                0 => format!("{label}={one}"),
                1 => format!("{label}!={one}"),
                2 => format!("{label}="),
                3 => format!("{label}!="),
                4 => format!("{label}=({one},{other})"),
                5 => format!("{label}!=({one},{other})"),
                _ => continue,
            };
            keys.retain(|key| matches(self.series[key].labels.get(label), &word));
            words.push(word);
        }
        (words.join(" "), keys)
    }

    fn index(&mut self) -> Outcome<()> {
        let (filter, keys) = self.filter();
        let line = format!("TS.QUERYINDEX {filter}");
        let reply = self.client.value(&line)?;
        same_keys(reply.elements()?.iter(), &keys, &line)
    }

    fn ranges(&mut self) -> Outcome<()> {
        let ((filter, keys), query) = (self.filter(), self.query());
        let command = if query.is_reverse() { "TS.MREVRANGE" } else { "TS.MRANGE" };
        let line = format!("{command} {} FILTER {filter}", query.words());
        let reply = self.client.value(&line)?;
        let found = reply
            .elements()?
            .iter()
            .map(|series| series.elements())
            .collect::<Outcome<Vec<_>>>()?;
        same_keys(found.iter().map(|series| &series[0]), &keys, &line)?;
        for series in found {
            let key = String::from_utf8_lossy(series[0].bytes()?).into_owned();
            same_rows(&series[2], &query.answer(&self.seen(&key)), &format!("{line}: {key}"))?;
        }
        Ok(())
    }

    fn group(&mut self) -> Outcome<()> {
        let ((filter, keys), query) = (self.filter(), self.query());
        if !query.is_single() {
            return Ok(());
        }
        let (label, reducer) =
            (*self.draw.one_of(&["group", "place", "kind"]), *self.draw.one_of(&REDUCERS));
        let command = if query.is_reverse() { "TS.MREVRANGE" } else { "TS.MRANGE" };
        let line =
            format!("{command} {} FILTER {filter} GROUPBY {label} REDUCE {reducer}", query.words());
        let mut groups: BTreeMap<String, BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
        for key in keys {
            let Some(value) = self.series[&key].labels.get(label) else { continue };
            let group = groups.entry(format!("{label}={value}")).or_default();
            for (moment, row) in query.all(&self.seen(&key)) {
                group.entry(moment).or_default().extend(row);
            }
        }
        let reply = self.client.value(&line)?;
        let found = reply.elements()?;
        same_keys(
            found.iter().map(|group| &group.elements().unwrap()[0]),
            &groups.keys().cloned().collect(),
            &line,
        )?;
        for group in found {
            let group = group.elements()?;
            let name = String::from_utf8_lossy(group[0].bytes()?).into_owned();
            let mut rows: Rows = groups[&name]
                .iter()
                .map(|(moment, row)| (*moment, vec![reduced(reducer, row)]))
                .collect();
            if query.is_reverse() {
                rows.reverse();
            }
            query.cut(&mut rows);
            same_rows(&group[2], &rows, &format!("{line}: {name}"))?;
        }
        Ok(())
    }

    fn info(&mut self) -> Outcome<()> {
        let key = self.any();
        let samples = self.seen(&key);
        let reply = self.client.value(&format!("TS.INFO {key}"))?;
        let fields = reply.elements()?;
        let field = |name: &str| {
            let place = fields
                .iter()
                .position(|field| field.bytes().is_ok_and(|text| text == name.as_bytes()));
            place
                .map(|place| fields[place + 1].clone())
                .ok_or_else(|| Failure::new(format!("no {name}")))
        };
        if self.series[&key].retention == 0 {
            let count = u64::try_from(samples.len()).unwrap();
            same(&field("totalSamples")?, &integer(count), &format!("samples of {key}"))?;
            let first = samples.first().map_or(0, |sample| sample.0);
            same(&field("firstTimestamp")?, &integer(first), &format!("first moment of {key}"))?;
        }
        let rules = field("rules")?.elements()?.len();
        ensure(rules == self.series[&key].rules.len(), || format!("{key} has {rules} rules"))
    }

    /// Rules and labels go with the key.
    fn move_away_and_back(&mut self) -> Outcome<()> {
        let key = self.any();
        self.client.expect(&format!("RENAME {key} elsewhere"), "+OK")?;
        let reply = self.client.value("TS.QUERYINDEX all=yes")?;
        let mut keys: BTreeSet<String> = self.series.keys().cloned().collect();
        keys.remove(&key);
        keys.insert("elsewhere".to_owned());
        same_keys(reply.elements()?.iter(), &keys, &format!("TS.QUERYINDEX after RENAME {key}"))?;
        self.client.expect(&format!("COPY elsewhere {key}"), ":1")?;
        let reply = self.client.value("TS.QUERYINDEX all=yes")?;
        keys.insert(key.clone());
        same_keys(reply.elements()?.iter(), &keys, &format!("TS.QUERYINDEX after COPY {key}"))?;
        self.client.expect(&format!("DEL {key}"), ":1")?;
        self.client.expect(&format!("RENAME elsewhere {key}"), "+OK")
    }

    fn alter(&mut self) -> Outcome<()> {
        let (key, labels) = (self.any(), self.labels());
        let words: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label} {value}")).collect();
        let line = format!("TS.ALTER {key} LABELS {}", words.join(" "));
        self.at(&key).labels = labels;
        self.client.expect(&line, "+OK")
    }

    fn reload(&mut self) -> Outcome<()> {
        let before = self.client.line("DEBUG DIGEST")?;
        self.client.expect("DEBUG RELOAD", "+OK")?;
        keyspan_tests::same(&self.client.line("DEBUG DIGEST")?, &before, "DEBUG RELOAD")?;
        self.compare_all()
    }

    /// Compares all samples of all series.
    pub(crate) fn compare_all(&mut self) -> Outcome<()> {
        for key in self.series.keys().cloned().collect::<Vec<_>>() {
            let rows: Rows =
                self.seen(&key).into_iter().map(|(at, value)| (at, vec![value])).collect();
            let line = format!("TS.RANGE {key} - +");
            same_rows(&self.client.value(&line)?, &rows, &line)?;
        }
        Ok(())
    }
}

fn name(policy: Policy) -> &'static str {
    Policy::ALL.into_iter().find(|(each, _)| *each == policy).unwrap().1
}

/// Whether a series with this value of a label, if it has any, fits the word.
fn matches(value: Option<&String>, word: &str) -> bool {
    let (label, wanted) = word.split_once('=').unwrap();
    let wanted = wanted.trim_matches(['(', ')']);
    let fits = match value {
        None => wanted.is_empty(),
        Some(value) => wanted.split(',').any(|each| each == value),
    };
    fits != label.ends_with('!')
}

/// What a reducer makes of values of which some may be none.
fn reduced(reducer: &str, values: &[f64]) -> f64 {
    let numbers: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if numbers.is_empty() { of_nothing(reducer, f64::NAN) } else { reduce(reducer, &numbers) }
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap())
}

fn answer(added: &Added) -> Value {
    match added {
        Added::At(moment) => integer(*moment),
        Added::Blocked => Value::Error(BLOCKED.to_owned()),
        Added::TooOld => Value::Error(TOO_OLD.to_owned()),
    }
}

fn same(got: &Value, expected: &Value, what: &str) -> Outcome<()> {
    ensure(got == expected, || format!("{what}\n  expected {expected}\n  got      {got}"))
}

fn same_keys<'v>(
    got: impl Iterator<Item = &'v Value>,
    expected: &BTreeSet<String>,
    what: &str,
) -> Outcome<()> {
    let got = got.map(|key| Ok(String::from_utf8_lossy(key.bytes()?).into_owned()));
    let got = got.collect::<Outcome<Vec<_>>>()?;
    let fits = got.len() == expected.len() && got.iter().all(|key| expected.contains(key));
    ensure(fits, || format!("{what}\n  expected {expected:?}\n  got      {got:?}"))
}

fn same_rows(got: &Value, expected: &Rows, what: &str) -> Outcome<()> {
    let rows = got.elements()?.iter().map(row).collect::<Outcome<Rows>>()?;
    let differing = (0..rows.len().max(expected.len())).find(|place| {
        !rows
            .get(*place)
            .zip(expected.get(*place))
            .is_some_and(|(got, expected)| is_same(got, expected))
    });
    let Some(place) = differing else { return Ok(()) };
    let (got, expected) = (rows.get(place), expected.get(place));
    Err(Failure::new(format!("{what}\n  row {place}\n  expected {expected:?}\n  got      {got:?}")))
}

fn same_sample(got: &Value, expected: Option<&(u64, Vec<f64>)>, what: &str) -> Outcome<()> {
    let fits = match expected {
        None => got.elements()?.is_empty(),
        Some(expected) => is_same(&row(got)?, expected),
    };
    ensure(fits, || format!("{what}\n  expected {expected:?}\n  got      {got}"))
}

/// A moment and its values.
fn row(value: &Value) -> Outcome<(u64, Vec<f64>)> {
    let [moment, values @ ..] = value.elements()? else { return Err(Failure::new("an empty row")) };
    let number = |value: &Value| {
        let text = String::from_utf8_lossy(value.bytes()?).into_owned();
        text.parse().map_err(|_| Failure::new(text))
    };
    let moment = u64::try_from(moment.integer()?).map_err(|_| Failure::new("a moment below 0"))?;
    Ok((moment, values.iter().map(number).collect::<Outcome<_>>()?))
}

/// Whether the values are the same but for the last digits of roots and quotients.
fn is_same(got: &(u64, Vec<f64>), expected: &(u64, Vec<f64>)) -> bool {
    let near = |(left, right): (&f64, &f64)| {
        (left.is_nan() && right.is_nan()) || (left - right).abs() <= 1e-9 * right.abs().max(1.0)
    };
    got.0 == expected.0
        && got.1.len() == expected.1.len()
        && got.1.iter().zip(&expected.1).all(near)
}
