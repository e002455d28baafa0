//! Changing a document in place.
//!
//! Every edit names its target by steps from the root and takes new values as references into other
//! documents, from which they are copied. When the target is missing, is of another kind, or would
//! become nested too deeply, nothing changes and the result says so.

use std::ops::Range;

use super::block::{Array, COUNT_MAX, Object, TEXT_MAX};
use super::editor::{Editor, Place, Target};
use super::packed::Packing;
use super::store::{Store, with_store};
use super::word::{Form, Word};
use super::{Document, NESTING_MAX, ValueRef};
use crate::node::{Kind, Node, Number};

impl Document {
    /// Puts a copy of `value` in the place of the target. False if there is no target or the value
    /// is nested too deeply for it.
    pub fn replace(&mut self, steps: &[u32], value: ValueRef<'_>) -> bool {
        if !fits(steps.len(), value) {
            return false;
        }
        let Some(target) = self.target(steps) else { return false };
        self.put_whole(target, whole_word(value))
            || self.edited(|editor| editor.replace(target, value)).is_some()
    }

    /// Adds a member behind the others. False if the target is no object or has one of this name.
    pub fn insert_member(&mut self, steps: &[u32], name: &[u8], value: ValueRef<'_>) -> bool {
        if !fits(steps.len() + 1, value) {
            return false;
        }
        let Some(Kind::Object(len)) = self.at(steps).map(Node::kind) else { return false };
        let taken = self.at(steps).and_then(|object| object.find(name)).is_some();
        let Some(Target::Word(place)) = self.target(steps) else { return false };
        if taken || len >= COUNT_MAX || name.len() > TEXT_MAX {
            return false;
        }
        self.edited(|editor| editor.insert_member(place, name, value)).is_some()
    }

    /// Removes the target from its object or array; the order of the others stays. False if there
    /// is no target or it is the root. O(members or elements behind it).
    pub fn remove(&mut self, steps: &[u32]) -> bool {
        let Some((last, parent)) = steps.split_last() else { return false };
        self.remove_many(parent, &[*last]) > 0
    }

    /// Removes the elements of an array, or the members of an object, at `positions`, which ascend
    /// without repeats (else nothing changes); those that are not there are passed over. The order
    /// of the others stays. How many were removed. O(members or elements behind the first and size
    /// of the removed).
    pub fn remove_many(&mut self, parent: &[u32], positions: &[u32]) -> usize {
        let (len, is_array) = match self.at(parent).map(Node::kind) {
            Some(Kind::Array(len)) => (len, true),
            Some(Kind::Object(len)) => (len, false),
            _ => return 0,
        };
        let Some(Target::Word(place)) = self.target(parent) else { return 0 };
        let there = positions.partition_point(|position| (*position as usize) < len);
        let positions = positions.get(..there).unwrap_or_default();
        if positions.is_empty() || !positions.is_sorted_by(|left, right| left < right) {
            return 0;
        }
        let removed = self.edited(|editor| {
            if is_array {
                editor.remove_elements(place, positions)
            } else {
                editor.remove_members(place, positions)
            }
        });
        removed.map_or(0, |()| positions.len())
    }

    /// Inserts copies of `values` before element `index` of an array, at most its length. The new
    /// length, or `None` if the target is no array, the index is too high, a value is nested too
    /// deeply or the array would be too long.
    pub fn array_insert(
        &mut self,
        steps: &[u32],
        index: usize,
        values: &[Document],
    ) -> Option<usize> {
        let Kind::Array(len) = self.at(steps)?.kind() else { return None };
        let Target::Word(place) = self.target(steps)? else { return None };
        let fits = values.iter().all(|value| fits(steps.len() + 1, value.root()));
        if index > len || !fits || len + values.len() > COUNT_MAX {
            return None;
        }
        self.edited(|editor| editor.array_insert(place, index, values))
    }

    /// Keeps the elements in `range` of an array and removes the others. The new length, or `None`
    /// if the target is no array.
    pub fn array_keep(&mut self, steps: &[u32], range: Range<usize>) -> Option<usize> {
        let Kind::Array(len) = self.at(steps)?.kind() else { return None };
        let Target::Word(place) = self.target(steps)? else { return None };
        let end = range.end.min(len);
        let start = range.start.min(end);
        self.edited(|editor| {
            editor.cut(place, end, len)?;
            editor.cut(place, 0, start)
        })?;
        Some(end - start)
    }

    /// Sets a number. False if the target is no number.
    pub fn set_number(&mut self, steps: &[u32], number: Number) -> bool {
        let Some(target) = self.target(steps) else { return false };
        if let Target::Word(place) = target
            && matches!(self.word_at(place).form(), Form::Int(_) | Form::Double(_))
            && self.put_whole(target, Word::number(number))
        {
            return true;
        }
        let Some(Kind::Number(_)) = self.at(steps).map(Node::kind) else { return false };
        self.edited(|editor| editor.set_number(target, number)).is_some()
    }

    /// Puts a word that is a whole value over another one; nothing else has to be done then. False
    /// if either has a block elsewhere.
    fn put_whole(&mut self, target: Target, word: Option<Word>) -> bool {
        let (Target::Word(place), Some(word)) = (target, word) else { return false };
        let whole = self.word_at(place).has_no_block();
        if whole {
            self.put(place, word);
        }
        whole
    }

    /// Sets a boolean. False if the target is no boolean.
    pub fn set_bool(&mut self, steps: &[u32], value: bool) -> bool {
        let Some(Kind::Bool(_)) = self.at(steps).map(Node::kind) else { return false };
        let Some(Target::Word(place)) = self.target(steps) else { return false };
        self.put(place, Word::bool(value));
        true
    }

    /// Appends to a string. The new length in bytes, or `None` if the target is no string or would
    /// be too long. `text` must be UTF-8.
    pub fn string_append(&mut self, steps: &[u32], text: &[u8]) -> Option<usize> {
        let Kind::String(old) = self.at(steps)?.kind() else { return None };
        let Target::Word(place) = self.target(steps)? else { return None };
        let len = old.len() + text.len();
        if len > TEXT_MAX {
            return None;
        }
        self.edited(|editor| editor.append(place, text))?;
        Some(len)
    }

    /// Makes an object `{}`, an array `[]`, a number 0. False if it is so already, or of another
    /// kind.
    pub fn clear(&mut self, steps: &[u32]) -> bool {
        let empty = match self.at(steps).map(Node::kind) {
            Some(Kind::Object(1..)) => Self::built(|store| {
                let begun = store.begin_object();
                store.end_object(begun).is_ok()
            }),
            Some(Kind::Array(1..)) => Self::built(|store| {
                let begun = store.begin_array();
                store.end_array(begun).is_ok()
            }),
            Some(Kind::Number(number)) if number != Number::Int(0) => {
                return self.set_number(steps, Number::Int(0));
            }
            _ => return false,
        };
        empty.is_some_and(|empty| self.replace(steps, empty.root()))
    }

    pub(super) fn built(push: impl FnOnce(&mut Store) -> bool) -> Option<Self> {
        with_store(|store| push(store).then(|| store.finish()))
    }

    /// Where the value that `steps` lead to is.
    fn target(&self, steps: &[u32]) -> Option<Target> {
        let mut place = Place::Root;
        let mut steps = steps.iter().map(|step| *step as usize);
        while let Some(step) = steps.next() {
            let word = self.word_at(place);
            if let Some(address) = word.as_object() {
                let object = Object::read(&self.arena, self, address)?;
                place = (step < object.len()).then(|| Place::At(object.value(step)))?;
                continue;
            }
            let array = Array::read(&self.arena, word.as_array()?)?;
            if step >= array.len {
                return None;
            }
            if array.packing != Packing::Generic {
                return steps.next().is_none().then_some(Target::Packed(place, step));
            }
            place = Place::At(array.element(step));
        }
        Some(Target::Word(place))
    }

    fn word_at(&self, place: Place) -> Word {
        match place {
            Place::Root => Word::from_slot(self.root),
            Place::At(address) => self.arena.word(address),
        }
    }

    fn put(&mut self, place: Place, word: Word) {
        match place {
            Place::Root => self.root = word.slot(),
            Place::At(address) => self.arena.put(address, &word.slot()),
        }
    }

    fn edited<R>(&mut self, work: impl FnOnce(&mut Editor<'_>) -> R) -> R {
        let result =
            with_store(|store| store.edit(self, |store, root| work(&mut Editor { store, root })));
        self.settle();
        result
    }
}

/// The word that is the whole of `value`, if there is one.
fn whole_word(value: ValueRef<'_>) -> Option<Word> {
    match value.kind() {
        Kind::Null => Some(Word::NULL),
        Kind::Bool(flag) => Some(Word::bool(flag)),
        Kind::Number(number) => Word::number(number),
        Kind::String(text) => Word::short(text),
        Kind::Array(_) | Kind::Object(_) => None,
    }
}

/// Whether `value` can stand below `steps` containers.
pub(super) fn fits(steps: usize, value: ValueRef<'_>) -> bool {
    let room = NESTING_MAX.saturating_sub(steps);
    value.depth() <= room
}
