//! JSON values as values of the protocol: `FORMAT EXPAND`.

use std::fmt;

use keyspan_common::reply::Reply;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value, members in their order.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Array(Vec<Self>),
    Double(f64),
    Integer(i64),
    Map(Vec<(String, Self)>),
    Null,
    Text(String),
}

/// Writes a JSON text: maps, arrays, strings, numbers (whole ones as integers, `true` as 1, `false`
/// as 0, as observed) and nulls. A text that is no JSON, or nested deeper than 128, is written as it
/// is.
pub(crate) fn write(json: &[u8], reply: &mut dyn Reply) {
    match serde_json::from_slice(json) {
        Ok(tree) => write_tree(&tree, reply),
        Err(_) => reply.bulk(json),
    }
}

fn write_tree(tree: &Tree, reply: &mut dyn Reply) {
    match tree {
        Tree::Array(items) => {
            reply.array(items.len());
            items.iter().for_each(|item| write_tree(item, reply));
        }
        Tree::Double(number) => reply.double(*number),
        Tree::Integer(number) => reply.integer(*number),
        Tree::Map(members) => {
            reply.map(members.len());
            for (name, value) in members {
                reply.bulk(name.as_bytes());
                write_tree(value, reply);
            }
        }
        Tree::Null => reply.null(),
        Tree::Text(text) => reply.bulk(text.as_bytes()),
    }
}

/// The one value of a JSON text as dialects 1 and 2 have it: containers as texts, for [`write()`].
pub(crate) fn scalar(json: Box<[u8]>) -> Box<[u8]> {
    if !matches!(json.first(), Some(b'{' | b'[')) {
        return json;
    }
    let quoted = serde_json::to_vec(&String::from_utf8_lossy(&json));
    quoted.map_or(json, Vec::into_boxed_slice)
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Tree;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Integer(i64::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or(Tree::Double(value as f64), Tree::Integer))
    }

    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in the range of both")]
    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        let is_whole = value.fract() == 0.0 && value.abs() < 9e15;
        Ok(if is_whole { Tree::Integer(value as i64) } else { Tree::Double(value) })
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Tree::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_values() {
        let tree = |json: &str| serde_json::from_str::<Tree>(json).unwrap();
        let map = |members: &[(&str, Tree)]| {
            let own = |(name, value): &(&str, Tree)| ((*name).to_owned(), value.clone());
            Tree::Map(members.iter().map(own).collect())
        };
        let (one, half) = (Tree::Integer(1), Tree::Double(0.5));
        let inner = map(&[("z", Tree::Null), ("a", Tree::Text("x".into()))]);
        let expected = Tree::Array(vec![one.clone(), one.clone(), half, inner, one]);
        assert_eq!(tree(r#"[1, 1.0, 0.5, {"z": null, "a": "x"}, true]"#), expected);
        assert_eq!(tree("18446744073709551615"), Tree::Double(1.844_674_407_370_955_2e19));
    }

    #[test]
    fn containers_are_texts_where_one_value_is_wanted() {
        let check = |json: &str, expected: &str| {
            assert_eq!(&*scalar(json.as_bytes().into()), expected.as_bytes());
        };
        check("[1,\"a\"]", r#""[1,\"a\"]""#);
        check("{}", "\"{}\"");
        check("\"a\"", "\"a\"");
        check("1.5", "1.5");
    }
}
