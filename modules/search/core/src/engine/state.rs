//! All that an index knows.

use std::cell::RefCell;
use std::sync::Arc;

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

/// The documents and all that is indexed of them.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) schema: Arc<Schema>,
    pub(super) documents: Documents,
    pub(super) fields: Fields,
    pub(super) vectors: VectorFields,
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

    pub(super) fn all(&self) -> impl Iterator<Item = &VectorField> {
        self.0.iter().flatten()
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
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        let fields = Fields::new(&schema);
        let mut vectors = VectorFields::default();
        vectors.extend(&schema);
        Self { schema, documents: Documents::new(), fields, vectors, refused: Failures::default() }
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
        self.vectors.all().map(VectorField::unsettled).sum()
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
    }
}
