//! Every level against the portable one, and the portable one against plain sums in f64.

use half::{bf16, f16};
use proptest::prelude::*;

use super::{Form, Kernel, Level, Measure};

const FORMS: [Form; 7] =
    [Form::F32, Form::F64, Form::F16, Form::Bf16, Form::I8, Form::U8, Form::Sq8];
const MEASURES: [Measure; 3] = [Measure::L2, Measure::Dot, Measure::Cosine];

/// A row of `form` that stands for about `numbers`, with what it stands for exactly.
fn row(form: Form, measure: Measure, numbers: &[f64]) -> (Vec<u8>, Vec<f64>) {
    let mut bytes = Vec::new();
    let mut exact = Vec::new();
    for &x in numbers {
        let (element, value) = element(form, x);
        bytes.extend(element);
        exact.push(value);
    }
    let norm: f64 = exact.iter().map(|x| x * x).sum();
    if form == Form::Sq8 {
        bytes.extend(0.25f32.to_le_bytes());
        bytes.extend(narrow(norm).to_le_bytes());
    } else if form.tail(measure) > 0 {
        bytes.extend(narrow(norm.sqrt()).to_le_bytes());
    }
    (bytes, exact)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers to 127")]
fn element(form: Form, x: f64) -> (Vec<u8>, f64) {
    match form {
        Form::F32 => ((x as f32).to_le_bytes().to_vec(), f64::from(x as f32)),
        Form::F64 => (x.to_le_bytes().to_vec(), x),
        Form::F16 => (f16::from_f64(x).to_le_bytes().to_vec(), f16::from_f64(x).to_f64()),
        Form::Bf16 => (bf16::from_f64(x).to_le_bytes().to_vec(), bf16::from_f64(x).to_f64()),
        Form::I8 => ((x as i8).to_le_bytes().to_vec(), f64::from(x as i8)),
        Form::U8 => (vec![(x.abs() * 2.0) as u8], f64::from((x.abs() * 2.0) as u8)),
        Form::Sq8 => ((x as i8).to_le_bytes().to_vec(), f64::from(x as i8) * 0.25),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as the tails are stored")]
fn narrow(x: f64) -> f32 {
    x as f32
}

/// The distance in plain f64, and the sum of the magnitudes of its terms.
fn plain(form: Form, measure: Measure, a: &[f64], b: &[f64]) -> (f64, f64) {
    let terms = |term: fn(f64, f64) -> f64| -> (f64, f64) {
        let terms: Vec<f64> = a.iter().zip(b).map(|(&a, &b)| term(a, b)).collect();
        (terms.iter().sum(), terms.iter().map(|x| x.abs()).sum())
    };
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
    let (dot, dot_size) = terms(|a, b| a * b);
    match measure {
        Measure::L2 if form == Form::Sq8 => {
            (norm(a) + norm(b) - 2.0 * dot, norm(a) + norm(b) + 2.0 * dot_size)
        }
        Measure::L2 => terms(|a, b| (a - b) * (a - b)),
        Measure::Cosine if matches!(form, Form::I8 | Form::U8) => {
            let scale = (norm(a) * norm(b)).sqrt();
            (1.0 - dot / scale, 1.0 + dot_size / scale)
        }
        Measure::Dot | Measure::Cosine => (1.0 - dot, 1.0 + dot_size),
    }
}

/// All levels on one pair, at `offset` bytes from the start of a buffer.
fn check(form: Form, measure: Measure, offset: usize, a: &[f64], b: &[f64]) {
    let ((a, a_exact), (b, b_exact)) = (row(form, measure, a), row(form, measure, b));
    let (expected, size) = plain(form, measure, &a_exact, &b_exact);
    let shifted: Vec<u8> = vec![0xAA; offset].into_iter().chain(b.clone()).collect();
    let b = &shifted[offset..];
    let dim = a_exact.len();
    for level in Level::ALL.into_iter().filter(|level| level.is_here()) {
        let kernel = Kernel::new(level, form, measure, dim);
        let one = kernel.distance(&a, b);
        let mut many = [0.0; 3];
        kernel.distances(&a, &[b, &a, b], &mut many);
        assert_eq!([many[0].to_bits(), many[2].to_bits()], [one.to_bits(); 2]);
        if expected.is_nan() {
            assert_eq!(one, f32::MAX, "{level:?} {form:?} {measure:?} {dim}");
            continue;
        }
        let error = (f64::from(one) - expected).abs();
        let bound = f64::from(f32::EPSILON) * (dim as f64 + 2.0) * size + 1e-30;
        assert!(error <= bound, "{level:?} {form:?} {measure:?} {dim}: {one} {expected} {bound}");
        let error = (kernel.exact_distance(&a, b) - expected).abs();
        let epsilon = if form == Form::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        assert!(error <= epsilon * (dim as f64 + 2.0) * size + 1e-30);
        if matches!(form, Form::I8 | Form::U8 | Form::Sq8) {
            let portable = Kernel::new(Level::Portable, form, measure, dim);
            assert_eq!(one.to_bits(), portable.distance(&a, b).to_bits(), "{level:?} {form:?}");
        }
    }
}

fn numbers(seed: u64, dim: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..dim).map(|_| next() * 100.0).collect()
}

#[test]
fn every_length_and_offset() {
    for form in FORMS {
        for measure in MEASURES {
            for dim in 1..=70 {
                let (a, b) = (numbers(dim as u64, dim), numbers(999 + dim as u64, dim));
                check(form, measure, dim % 5, &a, &b);
            }
        }
    }
}

#[test]
fn the_largest_integers_do_not_overflow() {
    for (form, measure) in [
        (Form::U8, Measure::L2),
        (Form::U8, Measure::Dot),
        (Form::I8, Measure::L2),
        (Form::I8, Measure::Dot),
    ] {
        let dim = 32_768;
        let (low, high) = if form == Form::U8 { (0, 255) } else { (0x80, 0x7f) };
        let (a, b) = (vec![low; dim], vec![high; dim]);
        for (a, b) in [(&a, &b), (&b, &b), (&a, &a)] {
            let portable = Kernel::new(Level::Portable, form, measure, dim).distance(a, b);
            for level in Level::ALL {
                let kernel = Kernel::new(level, form, measure, dim);
                assert_eq!(kernel.distance(a, b), portable, "{form:?} {measure:?} {level:?}");
            }
        }
    }
}

#[test]
fn what_is_no_row_is_far() {
    let kernel = Kernel::new(Level::best(), Form::F32, Measure::L2, 4);
    assert_eq!(kernel.distance(&[0; 16], &[0; 12]), f32::MAX);
    assert_eq!(kernel.exact_distance(&[0; 15], &[0; 16]), f64::MAX);
    let mut distances = [1.0; 2];
    kernel.distances(&[0; 16], &[&[0; 16], &[0; 4]], &mut distances);
    assert_eq!(distances, [f32::MAX; 2]);
    let infinite: Vec<u8> = f32::MAX.to_le_bytes().repeat(4);
    assert_eq!(kernel.distance(&infinite, &[0; 16]), f32::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_level_is_the_portable_one(
        form in prop::sample::select(FORMS.to_vec()),
        measure in prop::sample::select(MEASURES.to_vec()),
        dim in 1usize..600,
        offset in 0usize..64,
        pairs in prop::collection::vec((-127.0..127.0f64, -127.0..127.0f64), 600),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().take(dim).unzip();
        check(form, measure, offset, &a, &b);
    }
}
