//! What the server may ask of a sketch, beside loading and saving it.

use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::dump,
};

use super::CountMin;
use crate::grid::{RESTORED_EVERYWHERE, freeing_effort};

impl DataType for CountMin {
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        if let Ok(payload) = dump::save_dump(self, 0, RESTORED_EVERYWHERE) {
            emit("RESTORE", &[b"0", &payload]);
        }
    }

    fn memory(&self) -> usize {
        self.grid.memory()
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.width().to_le_bytes());
        sink(&self.depth().to_le_bytes());
        sink(&self.total().to_le_bytes());
        sink(self.grid.bytes());
    }

    fn effort(&self) -> usize {
        freeing_effort(self.grid.memory())
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, _from: u64) -> Progress {
        self.grid.relocate(mover);
        Progress::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_sketch_is_freed_elsewhere() {
        assert!(CountMin::new(2000, 7).unwrap().effort() < 64);
        assert!(CountMin::new(1 << 20, 7).unwrap().effort() > 64);
    }

    #[test]
    fn equal_sketches_have_equal_digests_and_no_others() {
        let digest = |sketch: &CountMin| {
            let mut texts = Vec::new();
            sketch.digest(&mut |text| texts.push(text.to_vec()));
            texts
        };
        let mut one = CountMin::new(6, 2).unwrap();
        assert_eq!(digest(&one), digest(&one.clone()));
        assert_ne!(digest(&one), digest(&CountMin::new(4, 3).unwrap()));
        let before = digest(&one);
        one.increase(b"x", 1);
        assert_ne!(digest(&one), before);
    }
}
