//! The parameters of a vector field in RediSearch's record.
//!
//! ```text
//! vector   [20: blob size] algorithm (0 flat, 1 HNSW until 21, 2 tiered from 22) parameters
//! flat     type dimension metric [21: multi] [until 24: capacity block]
//! tiered   1 swap_threshold type dimension metric multi [until 24: capacity] M efC efR
//!          [25: epsilon] [27: rerank]
//!        | 3 train_threshold type dimension metric multi bits degree window reduced search epsilon
//! ```

use keyspan_common::rdb::{Error, Read, Write};

use super::redisearch::{Loading, Saving};
use crate::schema::vector::{BLOCK_SIZE, EPSILON};
use crate::schema::{Algorithm, Element, Metric, Vector};

const FLAT: u64 = 0;
const HNSW: u64 = 1;
const TIERED: u64 = 2;
/// Inside a tiered index: a graph of another kind (Vamana).
const SVS: u64 = 3;

/// Type, dimension, metric, and whether there are several.
type Shape = (Element, u64, Metric, bool);

pub(super) fn load_vector<R: Read>(record: &mut Loading<'_, R>) -> Result<Vector, Error> {
    if record.version >= 20 {
        record.number()?;
    }
    let (algorithm, (element, dimension, metric, multi), initial_capacity) =
        match (record.version, record.number()?) {
            (_, FLAT) => flat(record)?,
            (19..=21, HNSW) => hnsw(record)?,
            (22.., TIERED) => tiered(record)?,
            _ => return Err(Error::Invalid),
        };
    if dimension == 0 {
        return Err(Error::Invalid);
    }
    Ok(Vector { algorithm, element, dimension, metric, initial_capacity, multi, quantized: false })
}

fn flat<R: Read>(record: &mut Loading<'_, R>) -> Result<(Algorithm, Shape, u64), Error> {
    let shape = shape(record)?;
    let capacity = capacity(record)?;
    let block_size = capacity_or_block(record)?;
    Ok((Algorithm::Flat { block_size }, shape, capacity))
}

fn tiered<R: Read>(record: &mut Loading<'_, R>) -> Result<(Algorithm, Shape, u64), Error> {
    let inner = record.number()?;
    record.number()?;
    match inner {
        HNSW => hnsw(record),
        SVS if record.version >= 25 => svs(record),
        _ => Err(Error::Invalid),
    }
}

fn hnsw<R: Read>(record: &mut Loading<'_, R>) -> Result<(Algorithm, Shape, u64), Error> {
    let shape = shape(record)?;
    let capacity = capacity(record)?;
    let (m, ef_construction, ef_runtime) = (record.number()?, record.number()?, record.number()?);
    let epsilon = if record.version >= 25 { record.reader.double()? } else { EPSILON };
    if record.version >= 27 {
        record.number()?;
    }
    Ok((graph(m, ef_construction, ef_runtime, epsilon)?, shape, capacity))
}

/// A Vamana graph becomes one of the other kind, with as many links and as much effort.
fn svs<R: Read>(record: &mut Loading<'_, R>) -> Result<(Algorithm, Shape, u64), Error> {
    let shape = shape(record)?;
    record.number()?;
    let (degree, construction) = (record.number()?, record.number()?);
    record.number()?;
    let (search, epsilon) = (record.number()?, record.reader.double()?);
    Ok((graph((degree / 2).max(1), construction, search, epsilon)?, shape, BLOCK_SIZE))
}

fn graph(m: u64, ef_construction: u64, ef_runtime: u64, epsilon: f64) -> Result<Algorithm, Error> {
    let good = m > 0 && ef_construction > 0 && ef_runtime > 0;
    let good = good && epsilon >= 0.0 && epsilon.is_finite();
    let graph = Algorithm::Hnsw { m, ef_construction, ef_runtime, epsilon };
    if good { Ok(graph) } else { Err(Error::Invalid) }
}

fn shape<R: Read>(record: &mut Loading<'_, R>) -> Result<Shape, Error> {
    let element = numbered(&Element::ALL, record.number()?)?;
    let dimension = record.number()?;
    let metric = numbered(&Metric::ALL, record.number()?)?;
    let multi = record.version >= 21 && record.number()? != 0;
    Ok((element, dimension, metric, multi))
}

fn numbered<T: Copy>(all: &[T], number: u64) -> Result<T, Error> {
    let place = usize::try_from(number).map_err(|_| Error::Invalid)?;
    all.get(place).copied().ok_or(Error::Invalid)
}

/// Capacities are in the record until encoding 24.
fn capacity<R: Read>(record: &mut Loading<'_, R>) -> Result<u64, Error> {
    if record.version < 25 { record.number() } else { Ok(BLOCK_SIZE) }
}

/// Block sizes too; 0 stands for the default.
fn capacity_or_block<R: Read>(record: &mut Loading<'_, R>) -> Result<u64, Error> {
    capacity(record).map(|size| if size == 0 { BLOCK_SIZE } else { size })
}

/// Writes encoding 23. What it has no place for (epsilon, quantization) is left out.
pub(super) fn save_vector<W: Write>(record: &mut Saving<'_, W>, vector: &Vector) {
    record.number(vector.blob_size());
    match vector.algorithm {
        Algorithm::Flat { block_size } => {
            record.number(FLAT);
            save_shape(record, vector);
            record.number(vector.initial_capacity);
            record.number(block_size);
        }
        Algorithm::Hnsw { m, ef_construction, ef_runtime, epsilon: _ } => {
            record.number(TIERED);
            record.number(HNSW);
            // No threshold: the reader takes its own.
            record.number(0);
            save_shape(record, vector);
            record.number(vector.initial_capacity);
            record.number(m);
            record.number(ef_construction);
            record.number(ef_runtime);
        }
    }
}

fn save_shape<W: Write>(record: &mut Saving<'_, W>, vector: &Vector) {
    record.number(place(&Element::ALL, vector.element));
    record.number(vector.dimension);
    record.number(place(&Metric::ALL, vector.metric));
    record.number(u64::from(vector.multi));
}

fn place<T: PartialEq>(all: &[T], value: T) -> u64 {
    (0..).zip(all).find(|(_, one)| **one == value).map_or(0, |(place, _)| place)
}
