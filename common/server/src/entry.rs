//! Commands as the server calls them: one guarded function per command, made from its type.

use std::ffi::c_int;
use std::slice;

use keyspan_common::{
    args::Args,
    command::{Access, Arity, Command, Keys, Row},
    data_type::DataType,
    number::parse_i64,
    reply::Reply,
    wire::Wire,
};

use crate::command_info::{FIRST_OF_COUNTED, key_flags};
use crate::context::Context;
use crate::guard::guard;
use crate::parts;
use crate::raw::{self, Api};
use crate::reply::ClientReply;

/// Command lines up to this length are laid out on the stack.
const SHORT: usize = 16;

/// The type of a command's function.
type Enter = unsafe extern "C" fn(*mut raw::Ctx, *mut *mut raw::Word, c_int) -> c_int;

/// A row of the command table with the function that runs it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub(crate) row: Row,
    pub(crate) enter: Enter,
}

impl Entry {
    /// The entry of a command.
    pub const fn of<C: Command<Value: DataType>>() -> Self {
        Self { row: C::ROW, enter: enter::<C> }
    }
}

/// # Safety
/// Called by the server: `argv` holds `argc` words, alive for the call, and `ctx` is the call's.
unsafe extern "C" fn enter<C: Command<Value: DataType>>(
    ctx: *mut raw::Ctx,
    argv: *mut *mut raw::Word,
    argc: c_int,
) -> c_int {
    // SAFETY: a callback this crate registered.
    let api = unsafe { raw::api() };
    let count = usize::try_from(argc).unwrap_or(0);
    if !fits(C::ROW.arity, count) {
        // SAFETY: the call's context.
        return unsafe { (api.wrong_arity)(ctx) };
    }
    // SAFETY: the call's context; nothing was written.
    if unsafe { parts::answer(api, ctx) } {
        return raw::OK;
    }
    // SAFETY: the words of the call.
    let words = unsafe { slice::from_raw_parts(argv, count) };
    if let Keys::Counted { count } | Keys::FirstAndCounted { count } = C::ROW.keys
        // SAFETY: the call's context.
        && unsafe { (api.is_keys_request)(ctx) } != 0
    {
        guard(C::ROW.name, || {
            tell_keys(&C::ROW, words.len(), counted(api, words, count), |position, flags| {
                // SAFETY: the context of a call that asks for keys.
                unsafe { (api.key_at)(ctx, position, flags) };
            });
        });
        return raw::OK;
    }
    // SAFETY: the call's context.
    let mut reply = unsafe { ClientReply::new(ctx) };
    guard(C::ROW.name, || lay_out(api, words, |args| run::<C>(ctx, words, args, &mut reply)));
    reply.end();
    raw::OK
}

#[inline]
fn run<C: Command<Value: DataType>>(
    ctx: *mut raw::Ctx,
    words: &[*mut raw::Word],
    args: Args<'_>,
    reply: &mut ClientReply,
) {
    // SAFETY: the context and the words of the running call.
    let mut context = unsafe { Context::<C::Value>::new(ctx, words) };
    if let Err(error) = C::run(&mut context, args, reply) {
        reply.error(&error.wire());
    }
    if context.is_blocked() {
        reply.leave();
    }
}

/// The place of a number of keys, and that number; `None` if it is none.
fn counted(api: &Api, words: &[*mut raw::Word], place: c_int) -> Option<(usize, usize)> {
    let place = usize::try_from(place).ok()?;
    let number = parse_i64(bytes_of(api, words.get(place)?))?;
    Some((place, usize::try_from(number).ok()?))
}

/// Calls `key` with the position of each key of a command line of `len` words and what is done to
/// it. Keys that are said to lie beyond its end are left out: the command refuses them.
fn tell_keys(row: &Row, len: usize, counted: Option<(usize, usize)>, key: impl Fn(c_int, c_int)) {
    let tell = |position: usize, flags: u32| {
        if let Ok(position) = c_int::try_from(position) {
            key(position, flags.cast_signed());
        }
    };
    let is_alone = matches!(row.keys, Keys::Counted { .. });
    if len > 1 && !is_alone {
        tell(1, FIRST_OF_COUNTED);
    }
    let Some((place, number)) = counted else { return };
    let first = place.saturating_add(1);
    let access = if is_alone { row.access } else { Access::Read };
    if number <= len.saturating_sub(first) {
        (0..number).for_each(|index| tell(first + index, key_flags(access)));
    }
}

pub(crate) const fn fits(arity: Arity, count: usize) -> bool {
    match arity {
        Arity::AtLeast(least) => count >= least as usize,
        Arity::Exactly(exact) => count == exact as usize,
    }
}

/// Calls `body` with the words' bytes, which stay where the server has them.
#[inline]
pub(crate) fn lay_out(api: &Api, words: &[*mut raw::Word], body: impl FnOnce(Args<'_>)) {
    let mut short: [&[u8]; SHORT] = [&[]; SHORT];
    match short.get_mut(..words.len()) {
        Some(place) => {
            for (bytes, word) in place.iter_mut().zip(words) {
                *bytes = bytes_of(api, word);
            }
            body(Args::new(place));
        }
        None => {
            let long: Vec<&[u8]> = words.iter().map(|word| bytes_of(api, word)).collect();
            body(Args::new(&long));
        }
    }
}

/// The bytes of one word, borrowed from the slice that holds it.
#[inline]
fn bytes_of<'call>(api: &Api, word: &'call *mut raw::Word) -> &'call [u8] {
    let mut len = 0;
    // SAFETY: a word of the running call, which lives and stays as it is until the call ends.
    unsafe {
        let start = (api.string_ptr_len)(*word, &raw mut len);
        slice::from_raw_parts(start.cast(), len)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn keys_behind_a_number_are_told() {
        let told = |keys: Keys, len: usize, counted: Option<(usize, usize)>| {
            let row = Row { keys, ..ROW };
            let told = RefCell::new(Vec::new());
            tell_keys(&row, len, counted, |position, _| told.borrow_mut().push(position));
            told.into_inner()
        };
        let check = |len: usize, counted: Option<(usize, usize)>, expected: &[c_int]| {
            let found = told(Keys::FirstAndCounted { count: 2 }, len, counted);
            assert_eq!(found, expected, "{len} words, {counted:?}");
        };
        check(5, Some((2, 2)), &[1, 3, 4]);
        check(9, Some((2, 2)), &[1, 3, 4]);
        check(4, Some((2, 2)), &[1]);
        check(4, Some((2, 0)), &[1]);
        check(4, Some((2, usize::MAX)), &[1]);
        check(4, None, &[1]);
        check(1, None, &[]);
        let check = |len: usize, counted: Option<(usize, usize)>, expected: &[c_int]| {
            let found = told(Keys::Counted { count: 1 }, len, counted);
            assert_eq!(found, expected, "{len} words, {counted:?}");
        };
        check(6, Some((1, 2)), &[2, 3]);
        check(3, Some((1, 2)), &[]);
        check(6, Some((1, 0)), &[]);
        check(6, None, &[]);
    }

    const ROW: Row = Row {
        name: "",
        summary: "",
        complexity: "",
        since: "",
        arity: Arity::AtLeast(1),
        access: Access::Read,
        fast: false,
        keys: Keys::None,
        category: "",
        arguments: &[],
        tips: &[],
    };
}
