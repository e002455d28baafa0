//! Replies that several commands share.

use keyspan_common::reply::Reply;
use keyspan_json_core::path::Path;

use crate::error::Error;

/// A size as a reply's integer.
pub(crate) fn count(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// A count or null.
pub(crate) fn count_or_null<R: Reply>(size: Option<usize>, reply: &mut R) {
    match size {
        Some(size) => reply.integer(count(size)),
        None => reply.null(),
    }
}

/// One count per match, or in legacy mode `single`.
pub(crate) fn counts<R: Reply>(
    path: &Path,
    sizes: &[Option<usize>],
    single: Option<usize>,
    reply: &mut R,
) {
    if path.is_legacy() {
        return count_or_null(single, reply);
    }
    reply.array(sizes.len());
    for size in sizes {
        count_or_null(*size, reply);
    }
}

/// A read of a key that does not exist: null in legacy mode, else `error`.
pub(crate) fn no_key<R: Reply>(path: &Path, error: Error, reply: &mut R) -> Result<(), Error> {
    if !path.is_legacy() {
        return Err(error);
    }
    reply.null();
    Ok(())
}
