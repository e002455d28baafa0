//! The arguments behind `VECTOR`.

use super::vector::{BLOCK_SIZE, Vector};
use super::{Algorithm, Element, Error, Limits, Metric};
use crate::words::{Fault, Words};

/// Reads what stands behind `VECTOR`: the algorithm, how many words follow, and those.
pub(super) fn vector(words: &mut Words<'_>, limits: &Limits) -> Result<Vector, Error> {
    let algorithm = words.take().map_err(|fault| Error::Vector("algorithm", fault))?;
    let algorithm = match algorithm.to_ascii_uppercase().as_slice() {
        b"FLAT" => Algorithm::FLAT,
        b"HNSW" => Algorithm::HNSW,
        _ => return Err(Error::Vector("algorithm", Fault::Unknown)),
    };
    let mut draft = Draft::new(algorithm, limits);
    let count = words.unsigned(0).map_err(|fault| Error::Vector("number of parameters", fault))?;
    if count % 2 == 1 {
        return Err(Error::VectorOdd(count));
    }
    draft.take_all(words, count)?;
    draft.finish()
}

/// What is read so far.
struct Draft<'l> {
    algorithm: Algorithm,
    limits: &'l Limits,
    element: Option<Element>,
    dimension: Option<u64>,
    metric: Option<Metric>,
    initial_capacity: u64,
    quantized: bool,
}

impl<'l> Draft<'l> {
    const fn new(algorithm: Algorithm, limits: &'l Limits) -> Self {
        Self {
            algorithm,
            limits,
            element: None,
            dimension: None,
            metric: None,
            initial_capacity: BLOCK_SIZE,
            quantized: false,
        }
    }

    fn take_all(&mut self, words: &mut Words<'_>, count: u64) -> Result<(), Error> {
        let mut taken = 0;
        while taken < count && !words.is_empty() {
            self.take(words)?;
            taken += 2;
        }
        if taken < count { Err(Error::VectorCount(count, taken)) } else { Ok(()) }
    }

    fn take(&mut self, words: &mut Words<'_>) -> Result<(), Error> {
        let limits = self.limits;
        if words.take_keyword("TYPE") {
            self.element = Some(self.named(words, "TYPE", Element::ALL, Element::name)?);
        } else if words.take_keyword("DIM") {
            self.dimension = Some(self.number(words, "DIM", 1, limits.dimension)?);
        } else if words.take_keyword("DISTANCE_METRIC") {
            self.metric = Some(self.named(words, "DISTANCE_METRIC", Metric::ALL, Metric::name)?);
        } else if words.take_keyword("INITIAL_CAP") {
            self.initial_capacity = self.number(words, "INITIAL_CAP", 0, limits.capacity)?;
        } else if words.take_keyword("QUANTIZATION") {
            let name = |on: bool| if on { "SQ8" } else { "NONE" };
            self.quantized = self.named(words, "QUANTIZATION", [false, true], name)?;
        } else {
            self.take_of_algorithm(words)?;
        }
        Ok(())
    }

    /// A parameter only this algorithm has.
    fn take_of_algorithm(&mut self, words: &mut Words<'_>) -> Result<(), Error> {
        let limits = self.limits;
        let mut algorithm = self.algorithm;
        match &mut algorithm {
            Algorithm::Flat { block_size } => {
                if words.take_keyword("BLOCK_SIZE") {
                    *block_size = self.number(words, "BLOCK_SIZE", 1, limits.capacity)?;
                } else {
                    return Err(self.unknown(words));
                }
            }
            Algorithm::Hnsw { m, ef_construction, ef_runtime, epsilon } => {
                if words.take_keyword("M") {
                    *m = self.number(words, "M", 1, limits.m)?;
                } else if words.take_keyword("EF_CONSTRUCTION") {
                    *ef_construction = self.number(words, "EF_CONSTRUCTION", 1, limits.effort)?;
                } else if words.take_keyword("EF_RUNTIME") {
                    *ef_runtime = self.number(words, "EF_RUNTIME", 1, limits.effort)?;
                } else if words.take_keyword("EPSILON") {
                    *epsilon = self.ratio(words)?;
                } else {
                    return Err(self.unknown(words));
                }
            }
        }
        self.algorithm = algorithm;
        Ok(())
    }

    fn bad(&self, name: &'static str, fault: Fault) -> Error {
        Error::VectorParameter(self.algorithm.name(), name, fault)
    }

    fn unknown(&self, words: &Words<'_>) -> Error {
        Error::VectorArgument(self.algorithm.name(), words.peek().unwrap_or_default().into())
    }

    fn number(
        &self,
        words: &mut Words<'_>,
        name: &'static str,
        min: u64,
        max: u64,
    ) -> Result<u64, Error> {
        let number = words.unsigned(min).map_err(|fault| self.bad(name, fault))?;
        if number > max { Err(self.bad(name, Fault::Bounds)) } else { Ok(number) }
    }

    fn ratio(&self, words: &mut Words<'_>) -> Result<f64, Error> {
        let ratio = words.double().map_err(|fault| self.bad("EPSILON", fault))?;
        let good = ratio >= 0.0 && ratio.is_finite();
        if good { Ok(ratio) } else { Err(self.bad("EPSILON", Fault::Bounds)) }
    }

    fn named<T: Copy, const N: usize>(
        &self,
        words: &mut Words<'_>,
        name: &'static str,
        all: [T; N],
        name_of: impl Fn(T) -> &'static str,
    ) -> Result<T, Error> {
        let word = words.take().map_err(|fault| self.bad(name, fault))?;
        all.into_iter()
            .find(|value| word.eq_ignore_ascii_case(name_of(*value).as_bytes()))
            .ok_or_else(|| self.bad(name, Fault::Unknown))
    }

    fn finish(self) -> Result<Vector, Error> {
        let missing = |name| Error::VectorMandatory(self.algorithm.name(), name);
        let vector = Vector {
            algorithm: self.algorithm,
            element: self.element.ok_or_else(|| missing("TYPE"))?,
            dimension: self.dimension.ok_or_else(|| missing("DIM"))?,
            metric: self.metric.ok_or_else(|| missing("DISTANCE_METRIC"))?,
            initial_capacity: self.initial_capacity,
            multi: false,
            quantized: self.quantized,
        };
        let bytes = matches!(vector.element, Element::Int8 | Element::Uint8);
        if vector.quantized && bytes {
            return Err(self.bad("QUANTIZATION", Fault::Bounds));
        }
        Ok(vector)
    }
}
