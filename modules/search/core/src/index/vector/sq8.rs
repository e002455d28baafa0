//! Vectors in a quarter of the bytes: a signed byte for each element and a scale for each vector.
//!
//! ```text
//! code: [ dim signed bytes ][ scale: f32 ][ squared norm of scale * bytes: f32 ]
//! ```
//!
//! The scale is the vector's own, `max |x| / 127`, so nothing has to be known of other vectors:
//! no training, no range that later vectors leave, and vectors of any length side by side. The norm
//! is that of the code and not of the vector, which makes the L2 of two codes the distance of the
//! points they stand for.

use half::{bf16, f16};

use super::units::Element;

/// Adding this to a float of at most 2^21 in magnitude leaves the nearest integer, in two's
/// complement, in the low bits: rounding that is vectorized on any processor.
const ROUND: f32 = 12_582_912.0;

/// The largest code.
const TOP: f32 = 127.0;

/// Writes the code of `row`, whose elements are `element`, to `code` of `dim + 8` bytes.
pub(super) fn encode(element: Element, row: &[u8], code: &mut [u8]) {
    match element {
        Element::Float32 => write(row, code, f32::from_le_bytes),
        Element::Float64 => write(row, code, |x| narrow(f64::from_le_bytes(x))),
        Element::Float16 => write(row, code, |x| f16::from_le_bytes(x).to_f32()),
        Element::Bfloat16 => write(row, code, |x| bf16::from_le_bytes(x).to_f32()),
        Element::Int8 | Element::Uint8 => {}
    }
}

#[expect(clippy::cast_possible_truncation, reason = "codes are coarser than any float")]
fn narrow(x: f64) -> f32 {
    x as f32
}

fn write<const W: usize>(row: &[u8], code: &mut [u8], read: impl Fn([u8; W]) -> f32) {
    let Some((codes, tail)) = code.split_at_mut_checked(code.len().saturating_sub(8)) else {
        return;
    };
    let elements = row.as_chunks::<W>().0;
    // As numbers of their bits magnitudes have the same order, and any order of comparing gives it.
    let magnitude = |x: &[u8; W]| read(*x).abs().to_bits();
    let largest = elements.iter().fold(0, |most, x| magnitude(x).max(most));
    let scale = f32::from_bits(largest) / TOP;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (to, x) in codes.iter_mut().zip(elements) {
        let [low, ..] = ((read(*x) * inverse).clamp(-TOP, TOP) + ROUND).to_bits().to_le_bytes();
        *to = low;
    }
    let squares: i64 = codes.iter().map(|x| i64::from(i32::from(x.cast_signed()).pow(2))).sum();
    let norm = scale * scale * squares as f32;
    if let Some((to_scale, to_norm)) = tail.split_at_mut_checked(4) {
        to_scale.copy_from_slice(&scale.to_le_bytes());
        to_norm.copy_from_slice(&norm.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[f32], codes: &[i8], scale: f32) {
        let row: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut code = vec![0; numbers.len() + 8];
        encode(Element::Float32, &row, &mut code);
        let norm: f32 = codes.iter().map(|&x| (f32::from(x) * scale).powi(2)).sum();
        let expected: Vec<u8> = codes
            .iter()
            .map(|x| x.cast_unsigned())
            .chain(scale.to_le_bytes())
            .chain(norm.to_le_bytes())
            .collect();
        assert_eq!(code, expected);
    }

    #[test]
    fn codes() {
        check(&[127.0, -127.0, 0.4, -0.6, 3.0], &[127, -127, 0, -1, 3], 1.0);
        check(&[0.0, 0.0], &[0, 0], 0.0);
        check(&[508.0, -4.0, 6.5], &[127, -1, 2], 4.0);
    }
}
