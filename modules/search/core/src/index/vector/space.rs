//! Vectors as they come, and as they are stored and measured.

use half::{bf16, f16};

use super::sq8;
use super::units::{Dimension, Element, Metric, Quantization, Refused};
use crate::simd::{Form, Kernel, LINE, Level, Line, bytes, bytes_mut};

/// The element type, dimension and metric of an index, with the kernels for them.
///
/// A row is the blob of a vector; under COSINE floats are stored normalised, and the norm of
/// integers stands behind them.
#[derive(Clone, Debug)]
pub struct Space {
    element: Element,
    metric: Metric,
    dimension: Dimension,
    kernel: Kernel,
    code_kernel: Option<Kernel>,
}

/// A row of its own, in whole cache lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    lines: Vec<Line>,
    len: usize,
}

/// A vector in the forms a search needs it in.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    row: Row,
    code: Row,
}

impl Space {
    /// The space of such vectors, with the best kernels of this processor.
    #[must_use]
    pub fn new(
        element: Element,
        metric: Metric,
        dimension: Dimension,
        quantization: Quantization,
    ) -> Self {
        Self::with_level(element, metric, dimension, quantization, Level::best())
    }

    /// As [`Self::new`] with the kernels of `level`, to compare levels.
    #[must_use]
    pub fn with_level(
        element: Element,
        metric: Metric,
        dimension: Dimension,
        quantization: Quantization,
        level: Level,
    ) -> Self {
        let kernel = |form| Kernel::new(level, form, metric.measure(), dimension.elements());
        let quantized = quantization == Quantization::Sq8 && element.is_float();
        Self {
            element,
            metric,
            dimension,
            kernel: kernel(element.form()),
            code_kernel: quantized.then(|| kernel(Form::Sq8)),
        }
    }

    /// The type of elements.
    #[must_use]
    pub fn element(&self) -> Element {
        self.element
    }

    /// The metric.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The dimension.
    #[must_use]
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// Whether there are codes.
    #[must_use]
    pub fn quantization(&self) -> Quantization {
        if self.code_kernel.is_some() { Quantization::Sq8 } else { Quantization::None }
    }

    /// Bytes of a vector's blob.
    #[must_use]
    pub fn blob_bytes(&self) -> usize {
        self.dimension.elements().saturating_mul(self.element.form().width())
    }

    /// `blob` as a search or an insertion needs it. O(dimension).
    ///
    /// # Errors
    /// [`Refused::Size`], [`Refused::NotFinite`], [`Refused::Zero`] (only under COSINE).
    pub fn probe(&self, blob: &[u8]) -> Result<Probe, Refused> {
        let mut probe = Probe::default();
        self.probe_into(blob, &mut probe)?;
        Ok(probe)
    }

    /// As [`Self::probe`], into the memory of an older one.
    ///
    /// # Errors
    /// As [`Self::probe`]; `probe` is then of no use.
    pub fn probe_into(&self, blob: &[u8], probe: &mut Probe) -> Result<(), Refused> {
        if blob.len() != self.blob_bytes() {
            return Err(Refused::Size);
        }
        let squares = self.finite_squares(blob)?;
        probe.row.resize(self.kernel.row_bytes());
        self.write_row(blob, squares, probe.row.bytes_mut())?;
        if let Some(kernel) = self.code_kernel {
            probe.code.resize(kernel.row_bytes());
            sq8::encode(self.element, probe.row.bytes(), probe.code.bytes_mut());
        }
        Ok(())
    }

    /// The squared norm of `blob`.
    fn finite_squares(&self, blob: &[u8]) -> Result<f64, Refused> {
        let (squares, finite) = match self.element {
            Element::Float32 => squares(blob, |x| f64::from(f32::from_le_bytes(x))),
            Element::Float64 => squares(blob, f64::from_le_bytes),
            Element::Float16 => squares(blob, |x| f16::from_le_bytes(x).to_f64()),
            Element::Bfloat16 => squares(blob, |x| bf16::from_le_bytes(x).to_f64()),
            Element::Int8 => squares(blob, |[x]: [u8; 1]| f64::from(x.cast_signed())),
            Element::Uint8 => squares(blob, |[x]: [u8; 1]| f64::from(x)),
        };
        if finite { Ok(squares) } else { Err(Refused::NotFinite) }
    }

    fn write_row(&self, blob: &[u8], squares: f64, row: &mut [u8]) -> Result<(), Refused> {
        let Some((elements, tail)) = row.split_at_mut_checked(blob.len()) else {
            return Err(Refused::Size);
        };
        elements.copy_from_slice(blob);
        if self.metric != Metric::Cosine {
            return Ok(());
        }
        // Below this the reciprocal would be infinite; beyond, the squares are.
        let norm = squares.sqrt();
        if !(norm > 1e-300 && norm.is_finite()) {
            return Err(Refused::Zero);
        }
        self.normalise(elements, tail, norm);
        Ok(())
    }

    fn normalise(&self, elements: &mut [u8], tail: &mut [u8], norm: f64) {
        let scale = 1.0 / norm;
        match self.element {
            Element::Float32 => {
                map(elements, |x| narrow(f64::from(f32::from_le_bytes(x)) * scale).to_le_bytes())
            }
            Element::Float64 => map(elements, |x| (f64::from_le_bytes(x) * scale).to_le_bytes()),
            Element::Float16 => map(elements, |x| {
                f16::from_f64(f16::from_le_bytes(x).to_f64() * scale).to_le_bytes()
            }),
            Element::Bfloat16 => map(elements, |x| {
                bf16::from_f64(bf16::from_le_bytes(x).to_f64() * scale).to_le_bytes()
            }),
            Element::Int8 | Element::Uint8 => {
                if let Some(to) = tail.first_chunk_mut() {
                    *to = narrow(norm).to_le_bytes();
                }
            }
        }
    }

    /// What rows are measured with.
    pub(super) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// What codes are measured with, if there are any.
    pub(super) fn code_kernel(&self) -> Option<&Kernel> {
        self.code_kernel.as_ref()
    }
}

/// A number that differs for different rows, but for one pair in 2^32 or so, and stays the same in
/// RDB files. 8 bytes a step in four lanes; not for rows chosen to collide.
pub(super) fn digest(row: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |lane: u64, word: [u8; 8]| {
        (lane ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR).rotate_left(29)
    };
    let mut lanes = [1_u64, 2, 3, 4];
    let (blocks, rest) = row.as_chunks::<32>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = mix(*lane, *word);
        }
    }
    for byte in rest {
        lanes[0] = mix(lanes[0], [*byte; 8]);
    }
    lanes.into_iter().fold(row.len() as u64, |sum, lane| mix(sum, lane.to_le_bytes()))
}

/// Sums kept side by side, so that one addition does not wait for the other.
const LANES: usize = 8;

/// The sum of squares, and whether all elements are finite.
fn squares<const W: usize>(blob: &[u8], read: impl Fn([u8; W]) -> f64) -> (f64, bool) {
    let elements = blob.as_chunks::<W>().0;
    let (blocks, rest) = elements.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks.iter().map(<[_; LANES]>::as_slice).chain([rest]) {
        for (sum, element) in sums.iter_mut().zip(block) {
            let x = read(*element);
            *sum += x * x;
        }
    }
    let sum: f64 = sums.iter().sum();
    // The squares of finite numbers may be infinite.
    (sum, sum.is_finite() || elements.iter().all(|element| read(*element).is_finite()))
}

fn map<const W: usize>(elements: &mut [u8], change: impl Fn([u8; W]) -> [u8; W]) {
    for element in elements.as_chunks_mut::<W>().0 {
        *element = change(*element);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rows have the precision of their type")]
fn narrow(x: f64) -> f32 {
    x as f32
}

impl Row {
    fn of(bytes: &[u8]) -> Self {
        let mut row = Self::default();
        row.resize(bytes.len());
        row.bytes_mut().copy_from_slice(bytes);
        row
    }

    fn resize(&mut self, len: usize) {
        self.lines.resize(len.div_ceil(LINE), Line::ZERO);
        self.len = len;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        bytes(&self.lines).get(..self.len).unwrap_or_default()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        bytes_mut(&mut self.lines).get_mut(..self.len).unwrap_or_default()
    }
}

impl Probe {
    /// Of a stored row and its code.
    pub(super) fn of(row: &[u8], code: &[u8]) -> Self {
        Self { row: Row::of(row), code: Row::of(code) }
    }

    /// The row.
    pub(super) fn row(&self) -> &[u8] {
        self.row.bytes()
    }

    /// The code, empty where there are none.
    pub(super) fn code(&self) -> &[u8] {
        self.code.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(element: Element, metric: Metric, dim: u64) -> Space {
        Space::new(element, metric, Dimension::new(dim).unwrap(), Quantization::Sq8)
    }

    fn check(element: Element, metric: Metric, blob: &[u8], expected: Result<&[u8], Refused>) {
        let dim = blob.len() / element.form().width();
        let probe = space(element, metric, dim as u64).probe(blob);
        assert_eq!(probe.as_ref().map(Probe::row).map_err(|e| *e), expected);
    }

    fn f32s(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    #[test]
    fn rows() {
        let blob = f32s(&[3.0, -4.0]);
        check(Element::Float32, Metric::L2, &blob, Ok(&blob));
        check(Element::Float32, Metric::Ip, &blob, Ok(&blob));
        check(Element::Float32, Metric::Cosine, &blob, Ok(&f32s(&[0.6, -0.8])));
        check(Element::Float32, Metric::Cosine, &f32s(&[0.0, -0.0]), Err(Refused::Zero));
        check(Element::Float32, Metric::L2, &f32s(&[0.0]), Ok(&[0; 4]));
        check(Element::Float32, Metric::Cosine, &f32s(&[1e-40, 0.0]), Ok(&f32s(&[1.0, 0.0])));
        check(Element::Float32, Metric::Cosine, &f32s(&[f32::MAX, 0.0]), Ok(&f32s(&[1.0, 0.0])));
        let norm = 5f32.to_le_bytes();
        check(Element::Int8, Metric::Cosine, &[3, 0xFC], Ok(&[&[3, 0xFC], &norm[..]].concat()));
        check(Element::Uint8, Metric::Cosine, &[0], Err(Refused::Zero));
        check(Element::Uint8, Metric::L2, &[0], Ok(&[0]));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            check(Element::Float32, Metric::L2, &f32s(&[1.0, bad]), Err(Refused::NotFinite));
            let half = f16::from_f32(bad).to_le_bytes();
            check(Element::Float16, Metric::Cosine, &half, Err(Refused::NotFinite));
            let half = bf16::from_f32(bad).to_le_bytes();
            check(Element::Bfloat16, Metric::Ip, &half, Err(Refused::NotFinite));
            check(
                Element::Float64,
                Metric::L2,
                &f64::from(bad).to_le_bytes(),
                Err(Refused::NotFinite),
            );
        }
        for (element, one) in [(Element::Float16, 0x3C00u16), (Element::Bfloat16, 0x3F80)] {
            let one = one.to_le_bytes();
            let four = if element == Element::Float16 { [0, 0x44] } else { [0x80, 0x40] };
            check(element, Metric::Cosine, &four, Ok(&one));
        }
    }

    #[test]
    fn sizes() {
        let refused = |bytes: usize| space(Element::Float32, Metric::L2, 3).probe(&vec![0; bytes]);
        assert!(
            [0, 4, 11, 13, 24].map(|n| refused(n).err()).iter().all(|e| *e == Some(Refused::Size))
        );
        assert!(refused(12).is_ok());
        for (elements, ok) in
            [(0, false), (1, true), (32_768, true), (32_769, false), (u64::MAX, false)]
        {
            assert_eq!(Dimension::new(elements).is_some(), ok);
        }
    }
}
