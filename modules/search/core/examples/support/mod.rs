//! Embeddings in NumPy's format, and the time a thread took.

#![allow(dead_code, reason = "each program uses a part of it")]

use half::f16;

/// The rows of an .npy file of two dimensions, as bytes.
pub(crate) fn rows(path: &str, width: usize) -> Vec<Vec<u8>> {
    let file = std::fs::read(path).unwrap();
    let (head, data) = file.split_at(10 + usize::from(u16::from_le_bytes([file[8], file[9]])));
    let header = String::from_utf8_lossy(head);
    let shape = header.split("'shape': (").nth(1).unwrap();
    let dim: usize = shape.split([',', ')']).nth(1).unwrap().trim().parse().unwrap();
    data.chunks(dim * width).map(<[u8]>::to_vec).collect()
}

/// The first `count` rows of `base_f16.npy`, as four-byte floats.
pub(crate) fn base(directory: &str, count: usize) -> Vec<Vec<u8>> {
    let rows = rows(&format!("{directory}/base_f16.npy"), 2);
    rows.iter().take(count).map(|row| widened(row)).collect()
}

/// The rows of `query_f32.npy`.
pub(crate) fn queries(directory: &str) -> Vec<Vec<u8>> {
    rows(&format!("{directory}/query_f32.npy"), 4)
}

fn widened(row: &[u8]) -> Vec<u8> {
    let halves = row.as_chunks::<2>().0;
    halves.iter().flat_map(|x| f16::from_le_bytes(*x).to_f32().to_le_bytes()).collect()
}

/// Time this thread ran, so that others on the machine do not count. In steps of some milliseconds.
pub(crate) fn cpu_us() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    times.split(' ').next().unwrap().parse::<f64>().unwrap() / 1000.0
}
