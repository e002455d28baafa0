//! The check of the arena's invariants, for tests.

use super::Document;
use super::block::{self, Array, Object};
use super::packed::Packing;
use super::word::{Address, Form, INLINE_MAX, Word};

impl Document {
    /// Checks that live and free blocks cover the chunks exactly, without overlap, that every index
    /// finds every key, and that free bytes are counted right. O(size log size). What is wrong, in
    /// words.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn validate(&self) -> Result<(), String> {
        let mut blocks = Vec::new();
        self.collect(Word::from_slot(self.root), &mut blocks)?;
        let free: usize = self.arena.free_blocks().map(|(_, size)| size).sum();
        if free != self.arena.free_bytes() {
            return Err(format!("{free} bytes free, {} counted", self.arena.free_bytes()));
        }
        blocks.extend(self.arena.free_blocks());
        blocks.sort_unstable();
        self.covered(&blocks)
    }

    fn covered(&self, blocks: &[(Address, usize)]) -> Result<(), String> {
        let mut blocks = blocks.iter().filter(|(_, size)| *size > 0).peekable();
        for (number, chunk) in self.arena.chunks().enumerate() {
            let mut end = 0;
            while let Some((address, size)) =
                blocks.next_if(|(address, _)| address.chunk() == number)
            {
                if address.offset() != end {
                    return Err(format!("a block at {number}:{} not {end}", address.offset()));
                }
                end += size;
            }
            if end != chunk.len() {
                return Err(format!("chunk {number} ends at {} not {end}", chunk.len()));
            }
        }
        blocks.next().map_or(Ok(()), |block| Err(format!("{block:?} is in no chunk")))
    }

    fn collect(&self, word: Word, blocks: &mut Vec<(Address, usize)>) -> Result<(), String> {
        match word.form() {
            Form::String(address) => {
                let len = block::text(&self.arena, address).len();
                if len <= INLINE_MAX {
                    return Err(format!("a block for {len} bytes of text"));
                }
                blocks.push((address, block::text_size(len)));
            }
            Form::BoxedInt(address) | Form::BoxedUint(address) | Form::BoxedDouble(address) => {
                blocks.push((address, 8));
            }
            Form::Array(address) => self.collect_array(address, blocks)?,
            Form::Object(address) => self.collect_object(address, blocks)?,
            Form::Null | Form::Bool(_) | Form::Int(_) | Form::Double(_) | Form::Short(_) => {}
        }
        Ok(())
    }

    fn collect_array(
        &self,
        address: Address,
        blocks: &mut Vec<(Address, usize)>,
    ) -> Result<(), String> {
        let array = Array::read(&self.arena, address).ok_or("an array that is not there")?;
        if array.len > array.capacity {
            return Err(format!("{array:?} is over full"));
        }
        blocks.push((address, array.size()));
        if array.packing == Packing::Generic {
            for index in 0..array.len {
                self.collect(self.arena.word(array.element(index)), blocks)?;
            }
        }
        Ok(())
    }

    fn collect_object(
        &self,
        address: Address,
        blocks: &mut Vec<(Address, usize)>,
    ) -> Result<(), String> {
        let object =
            Object::read(&self.arena, self, address).ok_or("an object that is not there")?;
        blocks.push((address, object.size()));
        for position in 0..object.len() {
            let key = object.key(&self.arena, position).ok_or("a key that is not there")?;
            if object.find(&self.arena, key) != Some(position) {
                return Err(format!("key {key:?} of member {position} is not found"));
            }
            self.collect(self.arena.word(object.value(position)), blocks)?;
        }
        if let Object::Dictionary(dictionary) = object {
            for position in 0..dictionary.len {
                self.collect(self.arena.word(dictionary.key_place(position)), blocks)?;
            }
            if let Some(index) = dictionary.index {
                blocks.push((index, dictionary.index_size()));
            }
        }
        Ok(())
    }
}
