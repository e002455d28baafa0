//! What an index says about itself.

use super::record::Failure;
use super::state::State;
use super::vectors::VectorField;
use super::{Index, lock};
use crate::index::FieldIndex;
use crate::schema::Schema;

/// Documents that were left out because of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// How many.
    pub count: u64,
    /// The reason of the last.
    pub last: Option<String>,
    /// The key of the last.
    pub key: Option<Box<[u8]>>,
}

impl Errors {
    fn note(&mut self, key: &[u8], text: String) {
        self.count = self.count.saturating_add(1);
        self.last = Some(text);
        self.key = Some(key.into());
    }

    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        if other.last.is_some() {
            self.last.clone_from(&other.last);
            self.key.clone_from(&other.key);
        }
    }
}

/// A field's part of [`Info`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldInfo {
    /// Documents left out because of it.
    pub errors: Errors,
    /// Bytes of its index.
    pub memory: u64,
    /// Vectors that wait to be moved into the graph.
    pub fresh: u64,
    /// Documents that are gone but still in the graph.
    pub marked_deleted: u64,
}

/// The figures of an index, for FT.INFO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Documents.
    pub documents: u64,
    /// How often documents came or changed: `max_doc_id`.
    pub last_sequence: u64,
    /// Pairs of a value and a document.
    pub records: u64,
    /// Different tags, as the inverted lists there are: `total_inverted_index_blocks`.
    pub lists: u64,
    /// Bytes of tag, numeric and place indexes: `inverted_sz_mb`.
    pub inverted_memory: u64,
    /// Bytes of tag indexes alone: `tag_overhead_sz_mb`.
    pub tag_memory: u64,
    /// Bytes of vector indexes.
    pub vector_memory: u64,
    /// Bytes of the table of documents, keys and values for sorting included.
    pub documents_memory: u64,
    /// Bytes of values for sorting.
    pub sortables_memory: u64,
    /// Bytes of keys and of the table that finds them.
    pub keys_memory: u64,
    /// All of these bytes.
    pub memory: u64,
    /// Vectors and stale numbers that wait to be settled, and changes that wait to be made.
    pub backlog: u64,
    /// Documents that were left out.
    pub errors: Errors,
    /// By field, in the order of the schema.
    pub fields: Vec<FieldInfo>,
}

/// Failures of an index, then of each of its fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Vec<Errors>);

impl Failures {
    /// Counts a failure of the field at `place`.
    pub(super) fn note(&mut self, place: usize, key: &[u8], text: &str) {
        let slot = place.saturating_add(1);
        if self.0.len() <= slot {
            self.0.resize(slot.saturating_add(1), Errors::default());
        }
        for at in [0, slot] {
            if let Some(errors) = self.0.get_mut(at) {
                errors.note(key, text.to_owned());
            }
        }
    }

    fn add_to(&self, info: &mut Info) {
        let Some((all, fields)) = self.0.split_first() else { return };
        info.errors.add(all);
        for (field, errors) in info.fields.iter_mut().zip(fields) {
            field.errors.add(errors);
        }
    }
}

impl Index {
    pub(super) fn note(&self, schema: &Schema, key: &[u8], failure: &Failure) {
        if failure.place < schema.fields.len() {
            lock(&self.failures).note(failure.place, key, &failure.reject.text());
        }
    }

    /// The figures, with every change made that was asked for before: for workers, as it waits for
    /// searches like one. O(documents).
    #[must_use]
    pub fn info(&self) -> Info {
        self.info_of(&self.ledger.current())
    }

    /// The figures as they are, but for changes that are queued while someone searches: for the main
    /// thread, as it waits for nobody. O(documents).
    #[must_use]
    pub fn info_now(&self) -> Info {
        self.info_of(&self.ledger.glance())
    }

    fn info_of(&self, state: &State) -> Info {
        let mut info = state.info();
        state.refused.add_to(&mut info);
        info.backlog = info.backlog.saturating_add(self.ledger.waiting() as u64);
        lock(&self.failures).add_to(&mut info);
        info
    }

    /// Bytes on the heap; as [`Self::info_now`]. O(documents).
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.info_now().memory
    }
}

impl State {
    fn info(&self) -> Info {
        let mut info = Info {
            documents: self.documents.len(),
            last_sequence: self.documents.last_sequence(),
            backlog: self.unsettled(),
            ..Info::default()
        };
        for place in 0..self.schema.fields.len() {
            let field = self.field_info(place, &mut info);
            info.fields.push(field);
        }
        let memory = self.documents.memory();
        info.documents_memory = memory.all() as u64;
        info.sortables_memory = memory.sortables as u64;
        info.keys_memory = memory.keys as u64;
        info.memory = info.documents_memory + info.inverted_memory + info.vector_memory;
        info
    }

    fn field_info(&self, place: usize, info: &mut Info) -> FieldInfo {
        let index = self.fields.at(place);
        let memory = index.memory() as u64;
        info.records += index.records();
        info.inverted_memory += memory;
        match index {
            FieldIndex::Tag(tag) => {
                info.lists += tag.len() as u64;
                info.tag_memory += memory;
            }
            FieldIndex::Geo(_) | FieldIndex::Numeric(_) => info.lists += 1,
            FieldIndex::None => (),
        }
        let Some(Some(vectors)) = self.vectors.0.get(place) else {
            return FieldInfo { memory, ..FieldInfo::default() };
        };
        vectors.info(info)
    }
}

impl VectorField {
    fn info(&self, info: &mut Info) -> FieldInfo {
        let memory = self.memory() as u64;
        info.vector_memory += memory;
        let marked_deleted = self.stale();
        FieldInfo {
            memory,
            fresh: self.unsettled().saturating_sub(marked_deleted),
            marked_deleted,
            ..FieldInfo::default()
        }
    }
}
