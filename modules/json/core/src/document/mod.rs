//! The stored form of a JSON document.
//!
//! A [`Document`] is an arena of 8-byte words and of blocks (`block`), in chunks of up to a
//! mebibyte (`arena`). Small integers, doubles, strings of up to 7 bytes, `null`, `true` and
//! `false` are words (`word`); everything else is a word with the address of a block. Objects of
//! one structure share their keys (`shape`), arrays of numbers of one kind are packed
//! (`packed`).
//!
//! Nothing in it points outside but one reference to the shared shapes: freeing it is freeing its
//! chunks, copying it is copying them, and it can be dropped on any thread.

mod arena;
mod block;
mod edit;
mod editor;
mod merge;
mod packed;
mod shape;
mod shape_list;
pub(crate) mod store;
mod text;
mod validate;
mod value;
mod word;

use std::sync::Arc;

use keyspan_common::data_type::allocated;

use arena::Arena;
use block::Shapes;
pub use packed::FloatKind;
pub(crate) use packed::{Packing, double, single, unsigned};
pub use shape::table_sizes;
use shape::{Shape, ShapeSet};
pub use value::ValueRef;
use word::{Slot, Word};

use crate::node::Number;

/// The deepest nesting of any document: only loaded ones reach it.
pub const DEPTH_MAX: usize = 128;

/// The deepest nesting that texts and edits can make. RedisJSON stops there too, so every document
/// can be read again by every reader of its text.
pub const NESTING_MAX: usize = 127;

/// A stored JSON document. The struct has 48 bytes.
#[derive(Clone, Debug)]
pub struct Document {
    arena: Arena,
    shapes: Option<Arc<ShapeSet>>,
    root: Slot,
}

static NULL: Document = Document::null();

/// Bytes of values up to which a document is small.
const SMALL: usize = 1024;

impl Document {
    /// The document `null`.
    #[must_use]
    pub const fn null() -> Self {
        Self { arena: Arena::new(), shapes: None, root: Word::NULL.slot() }
    }

    /// An integer, unless it is too large for a word.
    pub(crate) fn of_integer(integer: i64) -> Option<Self> {
        let word = Word::number(Number::Int(integer))?;
        Some(Self { root: word.slot(), ..Self::null() })
    }

    fn null_ref() -> &'static Self {
        &NULL
    }

    /// The whole value.
    #[must_use]
    pub fn root(&self) -> ValueRef<'_> {
        ValueRef::root(self)
    }

    /// The value that `steps` lead to from the root: element indexes and member positions.
    /// O(steps).
    #[must_use]
    pub fn at(&self, steps: &[u32]) -> Option<ValueRef<'_>> {
        self.root().descend(steps)
    }

    /// Bytes the allocator holds for this document, by the size classes of jemalloc, this struct
    /// (in a box) included; its shapes, which it shares with others, are not. O(size / 1 MiB).
    #[must_use]
    pub fn memory(&self) -> usize {
        allocated(size_of::<Self>()) + self.arena.memory()
    }

    /// As [`Self::memory`], without this struct.
    #[must_use]
    pub fn heap_memory(&self) -> usize {
        self.arena.memory()
    }

    /// Bytes of its values: what grows and shrinks with the content, free blocks included. O(size /
    /// 1 MiB).
    #[must_use]
    pub fn used(&self) -> usize {
        self.arena.used()
    }

    /// The memory blocks of this document, for active defragmentation: each may be replaced by a
    /// copy of the same length and content.
    pub fn chunks_mut(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.arena.chunks_mut()
    }

    /// How much work freeing this document is, in units of which a server frees 64 without a second
    /// thread: one per 64 KiB.
    #[must_use]
    pub fn free_effort(&self) -> usize {
        1 + self.arena.used() / (64 << 10)
    }

    /// Closes up the free blocks when they are more than the live ones, and in a small document at
    /// once: what keeps track of them would be as large as the document. O(size), which the
    /// removals of as many bytes have paid for.
    fn settle(&mut self) {
        let free = self.arena.free_bytes();
        let live = self.arena.used().saturating_sub(free);
        if (free > 0 && live < SMALL) || free > live + 4096 {
            *self = self.root().to_document();
        }
    }
}

impl Shapes for Document {
    fn shape(&self, number: u32) -> Option<&Shape> {
        self.shapes.as_ref()?.shapes().get(number as usize).map(Arc::as_ref)
    }
}

/// Equality of the values, see [`ValueRef`].
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}
