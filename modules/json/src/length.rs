//! JSON.STRLEN, JSON.ARRLEN, JSON.OBJLEN: one reply, three kinds of values.

use keyspan_common::{args::Args, host::Host, reply::Reply};
use keyspan_json_core::{Document, ValueRef};

use crate::{
    access::{select, target},
    answer,
    error::Error,
};

/// What the length commands do not have in common; their errors are the reference's.
pub(crate) struct Length {
    /// The command.
    pub(crate) name: &'static str,
    /// The length of a value of the right kind.
    pub(crate) of: fn(ValueRef<'_>) -> Option<usize>,
    /// No such key, in JSONPath mode; null in legacy mode.
    pub(crate) no_key: Error,
    /// A legacy path without a match; null if there is no error.
    pub(crate) missing: Option<Error>,
    /// A legacy path whose match is of another kind.
    pub(crate) wrong: Error,
}

impl Length {
    /// Replies the lengths of the values at a path.
    pub(crate) fn reply<H: Host<Document>, R: Reply>(
        self,
        host: &mut H,
        args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let (document, path) = target(host, args, self.name)?;
        let Some(document) = document else {
            return answer::no_key(&path, self.no_key, reply);
        };
        let lengths: Vec<Option<usize>> =
            select(document, &path)?.into_iter().map(self.of).collect();
        let first = match (path.is_legacy(), lengths.first(), self.missing) {
            (true, Some(None), _) => return Err(self.wrong),
            (true, None, Some(missing)) => return Err(missing),
            (_, first, _) => first.copied().flatten(),
        };
        answer::counts(&path, &lengths, first, reply);
        Ok(())
    }
}
