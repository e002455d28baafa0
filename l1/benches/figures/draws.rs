//! What is asked for: keys by Zipf's law, and mixes of it with what caches find hard.

/// The exponent of all draws by Zipf's law.
const EXPONENT: f64 = 0.99;

/// A generator of the xorshift kind, for draws that are the same in every run.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Ranks by Zipf's law, from 0.
pub(crate) struct Zipf {
    sums: Vec<f64>,
    draw: Draw,
}

impl Zipf {
    pub(crate) fn new(ranks: usize) -> Self {
        let mut sum = 0.0;
        let weights = (1..=ranks).map(|rank| (rank as f64).powf(-EXPONENT));
        let sums = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Self { sums, draw: Draw::new(88_172_645_463_325_252) }
    }

    pub(crate) fn rank(&mut self) -> usize {
        let last = self.sums.len() - 1;
        let below = self.draw.uniform() * self.sums[last];
        self.sums.partition_point(|&sum| sum < below).min(last)
    }

    /// Indexes of keys whose neighbours in rank are no neighbours in memory.
    pub(crate) fn scattered(&mut self, count: usize) -> Vec<u32> {
        let keys = self.sums.len();
        (0..count).map(|_| u32::try_from(self.rank() * 7919 % keys).unwrap()).collect()
    }
}

/// Keys, requests and capacity of the traces on which hit ratios are compared.
pub(crate) const KEYS: usize = 100_000;
pub(crate) const CAPACITY: usize = 10_000;
const REQUESTS: u64 = 2_000_000;

/// The traces by name: Zipf's law; half of it replaced by keys asked for once; by a loop over one
/// and a half times the capacity; with ranks that move by one key each hundred requests.
pub(crate) fn traces() -> [(&'static str, Vec<u64>); 4] {
    let mut zipf = Zipf::new(KEYS);
    let mut rank = || zipf.rank() as u64;
    let plain = (0..REQUESTS).map(|_| rank()).collect();
    let scan = (0..REQUESTS).map(|i| if i % 2 == 0 { rank() } else { (1 << 40) + i }).collect();
    let round = CAPACITY as u64 * 3 / 2;
    let looped = |i: u64| (1 << 41) + i / 2 % round;
    let looping = (0..REQUESTS).map(|i| if i % 2 == 0 { rank() } else { looped(i) }).collect();
    let drift = (0..REQUESTS).map(|i| (rank() + i / 100) % KEYS as u64).collect();
    [("zipf", plain), ("scan", scan), ("loop", looping), ("drift", drift)]
}
