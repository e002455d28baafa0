//! RFC 7396: merging a patch into a value.

use super::edit::fits;
use super::store::{Store, TooLarge};
use super::{Document, ValueRef};
use crate::node::{Kind, Node};

impl Document {
    /// Merges `patch` into the target as RFC 7396 says: an object's members are set, those that are
    /// `null` are removed, anything else replaces the target. Tells whether anything changed;
    /// nothing does if there is no target or the patch is nested too deeply for it.
    pub fn merge(&mut self, steps: &[u32], patch: ValueRef<'_>) -> bool {
        fits(steps.len(), patch) && self.merge_at(&mut steps.to_vec(), patch)
    }

    /// Recursion is as deep as the patch, which is at most [`super::DEPTH_MAX`].
    fn merge_at(&mut self, steps: &mut Vec<u32>, patch: ValueRef<'_>) -> bool {
        let Some(target) = self.at(steps) else { return false };
        let is_object = |value: ValueRef<'_>| matches!(value.kind(), Kind::Object(_));
        if !is_object(patch) {
            return target != patch && self.replace(steps, patch);
        }
        if !is_object(target) {
            let fresh = without_nulls(patch);
            return fresh.is_some_and(|fresh| self.replace(steps, fresh.root()));
        }
        let removed = self.remove_nulls(steps, patch);
        let set = patch.members().filter(|(_, value)| value.kind() != Kind::Null);
        set.fold(removed, |changed, (name, value)| self.merge_member(steps, name, value) || changed)
    }

    /// Removes the members that are `null` in `patch`, all at once. What becomes of the others does
    /// not depend on them.
    fn remove_nulls(&mut self, steps: &[u32], patch: ValueRef<'_>) -> bool {
        let Some(object) = self.at(steps) else { return false };
        let nulls = patch.members().filter(|(_, value)| value.kind() == Kind::Null);
        let found = nulls.filter_map(|(name, _)| object.find(name));
        let mut positions: Vec<u32> =
            found.filter_map(|(position, _)| u32::try_from(position).ok()).collect();
        positions.sort_unstable();
        self.remove_many(steps, &positions) > 0
    }

    /// `value` is not `null`.
    fn merge_member(&mut self, steps: &mut Vec<u32>, name: &[u8], value: ValueRef<'_>) -> bool {
        let Some(object) = self.at(steps) else { return false };
        let Some((position, _)) = object.find(name) else {
            let fresh = without_nulls(value);
            return fresh.is_some_and(|fresh| self.insert_member(steps, name, fresh.root()));
        };
        let Ok(position) = u32::try_from(position) else { return false };
        steps.push(position);
        let changed = self.merge_at(steps, value);
        steps.pop();
        changed
    }
}

/// What merging `patch` into nothing gives.
fn without_nulls(patch: ValueRef<'_>) -> Option<Document> {
    Document::built(|store| push(patch, store).is_ok())
}

/// Recursion is as deep as the patch, which is at most [`super::DEPTH_MAX`].
fn push(patch: ValueRef<'_>, store: &mut Store) -> Result<(), TooLarge> {
    let Kind::Object(_) = patch.kind() else { return patch.push_to(store) };
    let begun = store.begin_object();
    for (name, value) in patch.members().filter(|(_, value)| value.kind() != Kind::Null) {
        store.key(name)?;
        push(value, store)?;
    }
    store.end_object(begun)
}
