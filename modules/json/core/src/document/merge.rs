//! RFC 7396: merging a patch into a value.

use super::{Document, ValueRef};
use crate::node::{Kind, Node};

impl Document {
    /// Merges `patch` into the target as RFC 7396 says: an object's members are set, those that are
    /// `null` are removed, anything else replaces the target. Tells whether anything changed.
    ///
    /// Recursion is as deep as the patch, which is at most [`super::DEPTH_MAX`].
    pub fn merge(&mut self, steps: &[u32], patch: ValueRef<'_>) -> bool {
        let mut steps = steps.to_vec();
        self.merge_at(&mut steps, patch)
    }

    fn merge_at(&mut self, steps: &mut Vec<u32>, patch: ValueRef<'_>) -> bool {
        let Some(target) = self.at(steps) else { return false };
        let Kind::Object(_) = patch.kind() else {
            return target != patch && self.replace(steps, patch);
        };
        let mut changed = false;
        if !matches!(target.kind(), Kind::Object(_)) {
            let Ok(empty) = Self::parse(b"{}") else { return false };
            if !self.replace(steps, empty.root()) {
                return false;
            }
            changed = true;
        }
        for (name, value) in patch.members() {
            changed |= self.merge_member(steps, name, value);
        }
        changed
    }

    fn merge_member(&mut self, steps: &mut Vec<u32>, name: &[u8], value: ValueRef<'_>) -> bool {
        let Some(object) = self.at(steps) else { return false };
        let found = object.find(name).and_then(|(position, _)| u32::try_from(position).ok());
        match (found, value.kind()) {
            (None, Kind::Null) => false,
            (None, _) => self.insert_member(steps, name, without_nulls(value).root()),
            (Some(position), kind) => {
                steps.push(position);
                let changed = match kind {
                    Kind::Null => self.remove(steps),
                    _ => self.merge_at(steps, value),
                };
                steps.pop();
                changed
            }
        }
    }
}

/// What merging `patch` into nothing gives.
fn without_nulls(patch: ValueRef<'_>) -> Document {
    let mut fresh = Document::null();
    match patch.kind() {
        Kind::Object(_) => {
            fresh.merge_at(&mut Vec::new(), patch);
            fresh
        }
        _ => patch.to_document(),
    }
}
