//! Graphs that vectors come to and go from, against measuring every vector. Input: a byte for the
//! kind of graph, and steps of four bytes: what is done, to whom, and a point.

use keyspan_search_core::index::vector::{
    Cancel, Dimension, Element, Flat, Found, Hnsw, Metric, Params, Probe, Quantization, Scratch,
    Space,
};

/// Steps behind these teach nothing new.
const STEPS_MAX: usize = 256;

/// Plays the steps.
pub fn check(input: &[u8]) {
    let [kind, steps @ ..] = input else { return };
    let metric = [Metric::L2, Metric::Ip, Metric::Cosine][usize::from(kind % 3)];
    let quantization = [Quantization::None, Quantization::Sq8][usize::from(kind / 3 % 2)];
    let m = [2, 3, 8, 16][usize::from(kind / 6 % 4)];
    let mut game = Game::new(metric, quantization, m);
    for step in steps.as_chunks::<4>().0.iter().take(STEPS_MAX) {
        game.step(*step);
    }
    (0..=u8::MAX).for_each(|label| game.remove(label.into()));
    assert!(game.graph.is_empty());
}

/// A graph, and the same vectors without.
struct Game {
    graph: Hnsw,
    flat: Flat,
    scratch: Scratch,
    /// Whether measuring one by one finds all: codes choose what is measured.
    scans: bool,
    /// Whether a search with all in view finds all: not with two links, nor where distances are no
    /// metric.
    is_exact: bool,
}

impl Game {
    fn new(metric: Metric, quantization: Quantization, m: u64) -> Self {
        let dimension = Dimension::new(2).expect("two");
        let space = |quantization| Space::new(Element::Float32, metric, dimension, quantization);
        let params = Params::new(m, 40).expect("parameters");
        Self {
            graph: Hnsw::new(space(quantization), params),
            flat: Flat::new(space(Quantization::None)),
            scratch: Scratch::default(),
            scans: quantization == Quantization::None,
            is_exact: quantization == Quantization::None && metric == Metric::L2 && m >= 8,
        }
    }

    fn step(&mut self, [what, label, x, y]: [u8; 4]) {
        let blob: Vec<u8> =
            [x, y].iter().flat_map(|x| f32::from(x.cast_signed()).to_le_bytes()).collect();
        let Ok(probe) = self.graph.space().probe(&blob) else { return };
        let exact = self.flat.space().probe(&blob).expect("the same of rows");
        let label = u32::from(label);
        match what % 8 {
            0 => self.remove(label),
            1 => self.search(&probe, &exact, usize::from(what / 8)),
            2 => {
                self.remove(label);
                self.add(label, &probe, &exact);
            }
            _ => self.add(label, &probe, &exact),
        }
        assert!(self.graph.is_valid());
        assert_eq!(self.graph.len(), self.flat.len());
    }

    fn add(&mut self, label: u32, probe: &Probe, exact: &Probe) {
        self.graph.add(label, probe, &mut self.scratch).expect("memory");
        self.flat.add(label, exact).expect("memory");
    }

    fn remove(&mut self, label: u32) {
        assert_eq!(self.graph.remove(label, &mut self.scratch), self.flat.remove(label));
    }

    fn search(&mut self, probe: &Probe, exact: &Probe, k: usize) {
        let (scratch, cancel, even) =
            (&mut self.scratch, Cancel::new(), |label: u32| label % 2 == 0);
        let all = self.flat.search(exact, k, &|_| true, scratch, &cancel);
        let some = self.flat.search(exact, k, &even, scratch, &cancel);
        let seeds = (0..256).step_by(2);
        let found = [
            (self.graph.search(probe, k, 1000, scratch, &cancel), &all),
            (self.graph.search_all(probe, k, &|_| true, scratch, &cancel), &all),
            (self.graph.search_among(probe, k, seeds.clone(), scratch, &cancel), &some),
            (self.graph.search_allowed(probe, k, 1000, &even, scratch, &cancel), &some),
            (self.graph.search_two_hops(probe, (k, 1000), &even, seeds, scratch, &cancel), &some),
        ];
        for (place, (found, truth)) in found.iter().enumerate() {
            let is_scan = self.scans && (place == 1 || place == 2);
            // What is allowed may hang together over more than one other node.
            let is_exact = is_scan || self.is_exact && place != 4;
            compare(found, truth, is_exact, place);
        }
    }
}

/// What is found is there, as far as it is said, and never nearer than the truth.
fn compare(found: &Found, truth: &Found, is_exact: bool, place: usize) {
    let distances =
        |found: &Found| -> Vec<f64> { found.neighbours.iter().map(|one| one.distance).collect() };
    let (found, truth) = (distances(found), distances(truth));
    assert!(found.is_sorted() && found.len() <= truth.len());
    if is_exact {
        assert_eq!(found, truth, "search {place}");
    }
    assert!(found.iter().zip(&truth).all(|(found, truth)| found >= truth));
}
