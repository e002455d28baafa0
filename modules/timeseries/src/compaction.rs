//! What a series tells the destinations of its rules.
//!
//! A rule stands on both sides: the source names the destination and the destination its source. One
//! side may go without the other: a rule counts only if both agree, and a side that stands alone is
//! forgotten by the next command that writes it. Replicas find the same, from the same commands.

use keyspan_common::args::Arg;
use keyspan_common::host::Host;
use keyspan_timeseries_core::chunk::Sample;
use keyspan_timeseries_core::rule::{Change, Effect};
use keyspan_timeseries_core::series::Series;

use crate::registry;

/// Tells the destinations of the rules of `key` what follows for them.
pub(crate) fn tell<H: Host<Series>>(host: &mut H, key: Arg<'_>, effects: &[Effect]) {
    for effect in effects {
        let Some(destination) = destination_of(host, key, effect.rule) else { continue };
        let to = Arg::named(&destination);
        let Ok(Some(series)) = host.write(to) else { continue };
        if series.source() != Some(key.bytes) || !series.follow(effect.change) {
            continue;
        }
        match effect.change {
            Change::Close(_) => host.changed(to, "ts.add:dest"),
            Change::Update(_) | Change::Remove(..) => host.touched(to),
        }
        host.wake(to);
    }
}

fn destination_of<H: Host<Series>>(host: &mut H, key: Arg<'_>, rule: usize) -> Option<Box<[u8]>> {
    let series = host.read(key).ok()??;
    Some(series.rules().get(rule)?.destination().into())
}

/// Whether the rule from `key` to `destination` stands on the destination's side too.
pub(crate) fn is_agreed<H: Host<Series>>(host: &mut H, key: &[u8], destination: &[u8]) -> bool {
    let series = host.read(Arg::named(destination)).unwrap_or(None);
    series.is_some_and(|series| series.source() == Some(key))
}

/// The source of the series at `key`, if that has a rule for it.
pub(crate) fn source_of<H: Host<Series>>(host: &mut H, key: Arg<'_>) -> Option<Box<[u8]>> {
    let source: Box<[u8]> = host.read(key).ok()??.source()?.into();
    let series = host.read(Arg::named(&source)).ok()??;
    series.rule(key.bytes)?;
    Some(source)
}

/// The open bucket of the series at `key`, if it is a destination: what LATEST adds.
pub(crate) fn latest_of<H: Host<Series>>(host: &mut H, key: Arg<'_>) -> Option<Sample> {
    let source: Box<[u8]> = host.read(key).ok()??.source()?.into();
    host.read(Arg::named(&source)).ok()??.rule(key.bytes)?.latest()
}

/// Forgets the rules and the source of the series at `key` that the other side does not know.
pub(crate) fn forget_stale<H: Host<Series>>(host: &mut H, key: Arg<'_>) {
    let Ok(Some(series)) = host.read(key) else { return };
    let destinations = series.rules().iter().map(|rule| Box::from(rule.destination()));
    let (destinations, has_source): (Vec<Box<[u8]>>, _) =
        (destinations.collect(), series.source().is_some());
    let loses_source = has_source && source_of(host, key).is_none();
    let stale: Vec<Box<[u8]>> = destinations
        .into_iter()
        .filter(|destination| !is_agreed(host, key.bytes, destination))
        .collect();
    if !loses_source && stale.is_empty() {
        return;
    }
    if let Ok(Some(series)) = host.write(key) {
        if loses_source {
            series.set_source(None);
        }
        for destination in stale {
            series.remove_rule(&destination);
        }
    }
}

/// Stores a new series, and says so to the registry.
pub(crate) fn store<H: Host<Series>>(host: &mut H, key: Arg<'_>, series: Series) {
    registry::put(host.database(), key.bytes, series.labels());
    host.insert(key, series);
}
