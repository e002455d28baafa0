//! Documents as native replies: JSON.GET FORMAT EXPAND and JSON.RESP.

use keyspan_common::reply::Reply;
use keyspan_json_core::{
    ValueRef,
    node::{Kind, Node, Number},
    print,
};

use crate::error::{Error, Limit};

/// Refuses values whose native reply would pass `max` bytes; each value counts 16 at least.
///
/// # Errors
/// [`Limit::Reply`].
pub(crate) fn check<'a>(
    values: impl Iterator<Item = ValueRef<'a>>,
    max: usize,
) -> Result<(), Error> {
    let mut left = max;
    for value in values {
        let size = weight(value);
        left = left.checked_sub(size).ok_or(Error::Limit(Limit::Reply))?;
    }
    Ok(())
}

/// Bytes that a native reply of `value` takes, roughly: 16 for each value and name, and their text.
fn weight(value: ValueRef<'_>) -> usize {
    16 + match value.kind() {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => 0,
        Kind::String(text) => text.len(),
        Kind::Array(len) => (0..len).filter_map(|i| value.element(i)).map(weight).sum(),
        Kind::Object(len) => (0..len)
            .filter_map(|i| value.member(i))
            .map(|(name, member)| 16 + name.len() + weight(member))
            .sum(),
    }
}

/// One value as a native reply; with `deep` arrays and objects too, otherwise those as text.
pub(crate) fn value<R: Reply>(value: ValueRef<'_>, deep: bool, reply: &mut R) {
    match value.kind() {
        Kind::Bool(flag) => reply.boolean(flag),
        Kind::Array(len) if deep => {
            reply.array(len);
            for element in (0..len).filter_map(|index| value.element(index)) {
                self::value(element, deep, reply);
            }
        }
        Kind::Object(len) if deep => {
            reply.map(len);
            for (name, member) in (0..len).filter_map(|position| value.member(position)) {
                reply.bulk(name);
                self::value(member, deep, reply);
            }
        }
        Kind::Array(_) | Kind::Object(_) => {
            let mut text = Vec::new();
            // The size was checked for all values together.
            let _ = print::compact(value, &mut text, usize::MAX);
            reply.bulk(&text);
        }
        Kind::Null | Kind::Number(_) | Kind::String(_) => scalar(value.kind(), reply),
    }
}

/// One value in the shape of JSON.RESP: an object is `{` and its members, an array `[` and its
/// elements, in one flat array each.
pub(crate) fn resp<R: Reply>(value: ValueRef<'_>, reply: &mut R) {
    match value.kind() {
        Kind::Bool(flag) => reply.simple(if flag { "true" } else { "false" }),
        Kind::Array(len) => {
            reply.array(len + 1);
            reply.simple("[");
            for element in (0..len).filter_map(|index| value.element(index)) {
                resp(element, reply);
            }
        }
        Kind::Object(len) => {
            reply.array(len * 2 + 1);
            reply.simple("{");
            for (name, member) in (0..len).filter_map(|position| value.member(position)) {
                reply.bulk(name);
                resp(member, reply);
            }
        }
        Kind::Null | Kind::Number(_) | Kind::String(_) => scalar(value.kind(), reply),
    }
}

fn scalar<R: Reply>(kind: Kind<'_>, reply: &mut R) {
    match kind {
        Kind::Number(number) => self::number(number, reply),
        Kind::String(text) => reply.bulk(text),
        Kind::Null | Kind::Bool(_) | Kind::Array(_) | Kind::Object(_) => reply.null(),
    }
}

/// A number; one over i64 as a big number, which is exact in both protocols.
pub(crate) fn number<R: Reply>(number: Number, reply: &mut R) {
    match number {
        Number::Int(int) => reply.integer(int),
        Number::Uint(uint) => reply.big_number(&uint.to_string()),
        Number::Double(double) => reply.double(double),
    }
}
