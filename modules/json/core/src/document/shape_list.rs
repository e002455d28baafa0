//! The shapes a store works with.

use std::collections::HashMap;
use std::sync::Arc;

use super::block::Shapes;
use super::shape::{self, Recent, Shape, ShapeSet};

/// The shapes of a document in the making: those it had, then those it got.
#[derive(Debug, Default)]
pub(super) struct ShapeList {
    pub(super) base: Option<Arc<ShapeSet>>,
    added: Vec<Arc<Shape>>,
    /// The number of every shape in `added`, by the hash of its key list.
    numbers: HashMap<u64, u32, hashbrown::DefaultHashBuilder>,
}

impl ShapeList {
    pub(super) fn clear(&mut self) {
        self.base = None;
        self.added.clear();
        self.added.shrink_to(1 << 10);
        self.numbers.clear();
        self.numbers.shrink_to(1 << 10);
    }

    fn base(&self) -> &[Arc<Shape>] {
        self.base.as_ref().map_or(&[], |set| set.shapes())
    }

    /// The number of the shape of a key list, if it is a shape.
    pub(super) fn known(&mut self, recent: &mut Recent, hash: u64, list: &[u8]) -> Option<u32> {
        if let Some(number) = self.numbers.get(&hash) {
            let shape = self.shape(*number)?;
            return (shape.list() == list).then_some(*number);
        }
        let shape = recent.shape(hash, list)?;
        Some(self.number_of_hashed(hash, shape))
    }

    pub(super) fn number_of(&mut self, shape: Arc<Shape>) -> u32 {
        self.number_of_hashed(shape::hash(shape.list()), shape)
    }

    fn number_of_hashed(&mut self, hash: u64, shape: Arc<Shape>) -> u32 {
        let known = self.base().iter().position(|mine| Arc::ptr_eq(mine, &shape));
        let position = known.unwrap_or(self.base().len() + self.added.len());
        // The stack of an object holds 4 bytes a key, so there are less than 2^31 shapes.
        let number = u32::try_from(position).unwrap_or(u32::MAX);
        if known.is_none() {
            self.added.push(shape);
        }
        self.numbers.insert(hash, number);
        number
    }

    /// The set of all these shapes; the one it was if none was added.
    pub(super) fn interned(&mut self, recent: &mut Recent) -> Option<Arc<ShapeSet>> {
        let base = self.base.take();
        if self.added.is_empty() {
            return base;
        }
        if let Some(base) = base {
            self.added.splice(0..0, base.shapes().iter().cloned());
        }
        let set = recent.set(&self.added);
        self.added.clear();
        Some(set)
    }
}

impl Shapes for ShapeList {
    fn shape(&self, number: u32) -> Option<&Shape> {
        let number = number as usize;
        let base = self.base();
        match number.checked_sub(base.len()) {
            None => base.get(number).map(Arc::as_ref),
            Some(number) => self.added.get(number).map(Arc::as_ref),
        }
    }
}
