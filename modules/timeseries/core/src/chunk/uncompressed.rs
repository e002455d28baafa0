//! Samples as they are, 16 bytes each.

use super::{Full, Sample};

/// Bytes of a sample where it is written.
pub const SAMPLE_BYTES: u32 = 16;

/// A run of samples as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncompressed {
    samples: Vec<Sample>,
    size: u32,
}

impl Uncompressed {
    /// An empty chunk for `size / 16` samples.
    pub fn new(size: u32) -> Self {
        Self { samples: Vec::new(), size }
    }

    pub(crate) fn of_parts(samples: Vec<Sample>, size: u32) -> Self {
        Self { samples, size }
    }

    /// The samples, in time order.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    pub(crate) fn samples_mut(&mut self) -> &mut Vec<Sample> {
        &mut self.samples
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.samples.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    pub(crate) fn first_time(&self) -> u64 {
        self.samples.first().map_or(0, |sample| sample.timestamp)
    }

    pub(crate) fn last(&self) -> Sample {
        self.samples.last().copied().unwrap_or_default()
    }

    pub(crate) fn append(&mut self, sample: Sample) -> Result<(), Full> {
        if self.count() >= self.size / SAMPLE_BYTES {
            return Err(Full);
        }
        self.samples.push(sample);
        Ok(())
    }

    pub(crate) fn replace_last(&mut self, value: f64) -> bool {
        self.samples.last_mut().map(|sample| sample.value = value).is_some()
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        if self.append(sample).is_err() {
            self.samples.push(sample);
            self.fit();
        }
    }

    pub(crate) fn fit(&mut self) {
        self.size = self.count().saturating_mul(SAMPLE_BYTES);
    }

    pub(crate) fn trim(&mut self) {
        self.samples.shrink_to_fit();
    }

    pub(crate) fn block_bytes(&self) -> usize {
        self.samples.capacity().saturating_mul(size_of::<Sample>())
    }
}
