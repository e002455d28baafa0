//! All that an index knows.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::change::Change;
use super::info::Failures;
use super::ledger::Apply;
use super::record::Parsed;
use super::vectors::VectorField;
use crate::documents::Documents;
use crate::index::tag::Expansion;
use crate::index::vector::{Cancel, Probe, Refused, Scratch};
use crate::index::{DocId, FieldIndex, Fields};
use crate::plan::{Nearest, Vectors, View};
use crate::schema::Schema;

/// Figures of a state, kept beside it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Documents.
    pub(super) documents: AtomicU64,
    /// Vectors that wait, and numbers that are stale.
    pub(super) unsettled: AtomicU64,
}

/// The documents and all that is indexed of them.
#[derive(Debug)]
pub(super) struct State {
    pub(super) schema: Arc<Schema>,
    pub(super) documents: Documents,
    pub(super) fields: Fields,
    pub(super) vectors: VectorFields,
    /// Figures for those who do not look into the state.
    counts: Arc<Counts>,
    /// Documents that were left out as a vector index could not grow.
    pub(super) refused: Failures,
}

/// The vector fields of a schema, each at its place.
#[derive(Clone, Debug, Default)]
pub(super) struct VectorFields(pub(super) Vec<Option<VectorField>>);

impl VectorFields {
    fn extend(&mut self, schema: &Schema) {
        let new = schema.fields.iter().skip(self.0.len());
        self.0.extend(new.map(|field| field.vector().and_then(VectorField::new)));
    }

    fn put(&mut self, id: DocId, vectors: &[(usize, Vec<Probe>)]) -> Result<(), (usize, Refused)> {
        for (place, field) in self.0.iter_mut().enumerate() {
            let Some(field) = field else { continue };
            let probes = vectors.iter().find(|(at, _)| *at == place);
            let probes = probes.map(|(_, probes)| probes.as_slice()).unwrap_or_default();
            field.put(id, probes).map_err(|refused| (place, refused))?;
        }
        Ok(())
    }

    fn remove(&mut self, id: DocId) {
        self.0.iter_mut().flatten().for_each(|field| field.remove(id));
    }
}

impl Vectors for VectorFields {
    fn field(&self, place: usize) -> Option<&dyn Nearest> {
        let field = self.0.get(place)?.as_ref()?;
        Some(field)
    }
}

impl State {
    /// Without documents; `counts` is kept up to date from then on.
    pub(super) fn new(schema: Arc<Schema>, counts: Arc<Counts>) -> Self {
        let (documents, fields) = (Documents::new(), Fields::new(&schema));
        let mut vectors = VectorFields::default();
        vectors.extend(&schema);
        Self { schema, documents, fields, vectors, counts, refused: Failures::default() }
    }

    /// What a query is answered from.
    pub(super) fn view<'a>(
        &'a self,
        expansion: Expansion,
        scratch: &'a RefCell<Scratch>,
        cancel: &'a Cancel,
    ) -> View<'a> {
        View {
            schema: &self.schema,
            documents: &self.documents,
            fields: &self.fields,
            vectors: &self.vectors,
            expansion,
            scratch,
            cancel,
        }
    }

    /// Vectors that are not in their graph yet, or still in it.
    pub(super) fn unsettled(&self) -> u64 {
        self.counts.unsettled.load(Relaxed)
    }

    /// Changes the vectors of the field at `place`, if it has some.
    pub(super) fn with_vectors<T>(
        &mut self,
        place: usize,
        change: impl FnOnce(&mut VectorField) -> T,
    ) -> Option<T> {
        let field = self.vectors.0.get_mut(place)?.as_mut()?;
        let result = change(field);
        self.count();
        Some(result)
    }

    fn count(&self) {
        let unsettled = self.vectors.0.iter().flatten().map(VectorField::unsettled);
        self.counts.unsettled.store(unsettled.sum(), Relaxed);
        self.counts.documents.store(self.documents.len(), Relaxed);
    }

    pub(super) fn tag_values(&self, name: &[u8]) -> Option<Vec<Box<[u8]>>> {
        match self.fields.at(self.schema.position(name)?) {
            FieldIndex::Tag(tag) => Some(tag.tags().map(Box::from).collect()),
            FieldIndex::Geo(_) | FieldIndex::None | FieldIndex::Numeric(_) => None,
        }
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.documents.id(key).is_some()
    }

    pub(super) fn keys(&self) -> Vec<Box<[u8]>> {
        let all = self.documents.all().iter();
        all.filter_map(|id| self.documents.key(id)).map(Box::from).collect()
    }

    fn put(&mut self, key: &[u8], parsed: Parsed) {
        let Parsed { score, sortables, values, vectors } = parsed;
        let Some(put) = self.documents.put(key, score, sortables) else { return };
        self.fields.put(put.id, &values);
        if let Err((place, refused)) = self.vectors.put(put.id, &vectors) {
            self.refused.note(place, key, refused.text());
            self.remove(key);
        }
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(id) = self.documents.remove(key) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: DocId) {
        self.fields.remove(id);
        self.vectors.remove(id);
    }

    fn rename(&mut self, from: &[u8], to: &[u8]) {
        if let Some((_, Some(replaced))) = self.documents.rename(from, to) {
            self.forget(replaced);
        }
    }

    fn alter(&mut self, schema: Arc<Schema>) {
        self.fields.extend(&schema);
        self.vectors.extend(&schema);
        self.schema = schema;
    }
}

impl Apply<Change> for State {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Alter(schema) => self.alter(schema),
            Change::Put(key, parsed) => self.put(&key, *parsed),
            Change::Remove(key) => self.remove(&key),
            Change::Rename(from, to) => self.rename(&from, &to),
        }
        self.count();
    }
}
