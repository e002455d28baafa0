//! The options of a vector query, judged by what the index is.

use keyspan_common::number::{parse_f64, parse_i64};

use crate::query::{Error, VectorFault, VectorOption};
use crate::schema::{Algorithm, Vector};

/// How a filtered search is to be done, if the query says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// All that the filter leaves is compared.
    AdHoc,
    /// The nearest are fetched in batches, and filtered.
    Batches,
}

/// The options of a vector query.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VectorOptions {
    /// `EF_RUNTIME`
    pub effort: Option<u64>,
    /// `EPSILON`
    pub epsilon: Option<f64>,
    /// `HYBRID_POLICY`
    pub policy: Option<Policy>,
    /// `BATCH_SIZE`
    pub batch_size: Option<u64>,
    /// `SHARD_K_RATIO`: means something in clusters only.
    pub shard_ratio: Option<f64>,
}

/// What kind of query the options are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The nearest of all.
    Nearest,
    /// The nearest of some.
    Hybrid,
    /// Within a distance.
    Range,
}

impl VectorOptions {
    pub(super) fn resolve(
        options: &[VectorOption],
        vector: &Vector,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let mut resolved = Self::default();
        for option in options {
            resolved.take(option, vector, purpose).map_err(Error::Vector)?;
        }
        resolved.check().map_err(Error::Vector)?;
        Ok(resolved)
    }

    fn take(
        &mut self,
        option: &VectorOption,
        vector: &Vector,
        purpose: Purpose,
    ) -> Result<(), VectorFault> {
        let has_graph = matches!(vector.algorithm, Algorithm::Hnsw { .. });
        let value = &*option.value;
        match option.name.to_ascii_uppercase().as_slice() {
            b"EF_RUNTIME" if has_graph && purpose != Purpose::Range => {
                once(&mut self.effort, positive(value))
            }
            b"EPSILON" if purpose != Purpose::Range => Err(VectorFault::NotRange),
            b"EPSILON" if has_graph => once(&mut self.epsilon, ratio(value)),
            b"BATCH_SIZE" | b"HYBRID_POLICY" if purpose != Purpose::Hybrid => {
                Err(VectorFault::NotHybrid)
            }
            b"BATCH_SIZE" => once(&mut self.batch_size, positive(value)),
            b"HYBRID_POLICY" => once(&mut self.policy, policy(value)),
            b"SHARD_K_RATIO" if purpose != Purpose::Range => {
                let ratio = ratio(value)?;
                let fits = if ratio <= 1.0 { Ok(ratio) } else { Err(VectorFault::Value) };
                once(&mut self.shard_ratio, fits)
            }
            _ => Err(VectorFault::Option),
        }
    }

    fn check(&self) -> Result<(), VectorFault> {
        match self.policy {
            Some(Policy::AdHoc) if self.batch_size.is_some() => Err(VectorFault::BatchSize),
            Some(Policy::AdHoc) if self.effort.is_some() => Err(VectorFault::Effort),
            Some(Policy::AdHoc | Policy::Batches) | None => Ok(()),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: Result<T, VectorFault>) -> Result<(), VectorFault> {
    if place.is_some() {
        return Err(VectorFault::Twice);
    }
    *place = Some(value?);
    Ok(())
}

fn positive(text: &[u8]) -> Result<u64, VectorFault> {
    let number = parse_i64(text).and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or(VectorFault::Value)
}

fn ratio(text: &[u8]) -> Result<f64, VectorFault> {
    let ratio = parse_f64(text).filter(|ratio| *ratio > 0.0 && ratio.is_finite());
    ratio.ok_or(VectorFault::Value)
}

fn policy(text: &[u8]) -> Result<Policy, VectorFault> {
    match text.to_ascii_uppercase().as_slice() {
        b"BATCHES" => Ok(Policy::Batches),
        b"ADHOC_BF" => Ok(Policy::AdHoc),
        _ => Err(VectorFault::Policy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Coded;
    use crate::schema::{Element, Metric};

    fn resolve(has_graph: bool, purpose: Purpose, line: &str) -> Result<VectorOptions, String> {
        let vector = Vector {
            algorithm: if has_graph { Algorithm::HNSW } else { Algorithm::FLAT },
            element: Element::Float32,
            dimension: 2,
            metric: Metric::L2,
            initial_capacity: 0,
            multi: false,
            quantized: false,
        };
        let words: Vec<Box<[u8]>> = line.split(' ').map(|word| word.as_bytes().into()).collect();
        let option =
            |pair: &[Box<[u8]>]| VectorOption { name: pair[0].clone(), value: pair[1].clone() };
        let options: Vec<VectorOption> = words.chunks(2).map(option).collect();
        VectorOptions::resolve(&options, &vector, purpose).map_err(|error| error.text())
    }

    #[test]
    fn options_mean_something_where_they_can() {
        let check =
            |purpose, line, expected| assert_eq!(resolve(true, purpose, line), Ok(expected));
        let own = VectorOptions::default();
        check(Purpose::Nearest, "ef_runtime 50", VectorOptions { effort: Some(50), ..own });
        check(Purpose::Range, "EPSILON 0.5", VectorOptions { epsilon: Some(0.5), ..own });
        let batches = VectorOptions { policy: Some(Policy::Batches), batch_size: Some(2), ..own };
        check(Purpose::Hybrid, "HYBRID_POLICY batches BATCH_SIZE 2", batches);
    }

    #[test]
    fn others_are_refused_as_observed() {
        let check = |has_graph, purpose, line, text: &str| {
            let text = format!("Error parsing vector similarity parameters: {text}");
            assert_eq!(resolve(has_graph, purpose, line), Err(text), "{line}");
        };
        let hybrid = "hybrid query attributes were sent for a non-hybrid query";
        let range = "range query attributes were sent for a non-range query";
        check(true, Purpose::Nearest, "EF_RUNTIME 0", "Invalid value was given");
        check(false, Purpose::Nearest, "EF_RUNTIME 50", "Invalid option");
        check(true, Purpose::Hybrid, "HYBRID_POLICY FOO", "invalid hybrid policy was given");
        check(true, Purpose::Nearest, "HYBRID_POLICY BATCHES", hybrid);
        check(true, Purpose::Range, "BATCH_SIZE 1", hybrid);
        check(true, Purpose::Nearest, "EPSILON 1", range);
        check(
            true,
            Purpose::Hybrid,
            "HYBRID_POLICY ADHOC_BF BATCH_SIZE 1",
            "'batch size' is irrelevant for the selected policy",
        );
        check(
            true,
            Purpose::Hybrid,
            "HYBRID_POLICY ADHOC_BF EF_RUNTIME 1",
            "'EF_RUNTIME' is irrelevant for the selected policy",
        );
        check(true, Purpose::Nearest, "EF_RUNTIME 1 EF_RUNTIME 1", "Parameter was specified twice");
        check(true, Purpose::Nearest, "FOO 1", "Invalid option");
    }
}
