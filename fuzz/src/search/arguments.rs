//! Argument lists of FT.CREATE, FT.ALTER and FT.SEARCH. Input: a byte for the command, and words
//! that end in 0xff.

use keyspan_common::rdb::Memory;
use keyspan_search_core::{
    request::{Defaults, Request},
    schema::{
        Alter, Create, Schema,
        aux::{Definition, Definitions, VERSION},
    },
};

use super::{LIMITS, ask, everything, filled, settle};
use crate::lines::WORD_END;

/// Longer inputs teach nothing new.
const INPUT_MAX: usize = 4 << 10;

/// Reads the words as what the first byte says, and does what they say.
pub fn check(input: &[u8]) {
    let [command, rest @ ..] = input else { return };
    let rest = &rest[..rest.len().min(INPUT_MAX)];
    let words: Vec<&[u8]> = rest.split(|byte| *byte == WORD_END).collect();
    match command % 3 {
        0 => create(&words),
        1 => alter(&words),
        _ => search(&words),
    }
}

fn create(words: &[&[u8]]) {
    let Ok(create) = Create::parse(words, &LIMITS) else { return };
    is_saved(&create.schema);
    let index = filled(create.schema);
    settle(&index);
    let info = index.info();
    assert_eq!(info.documents, index.len());
    assert_eq!(info.fields.len(), index.schema().fields.len());
    index.keys().iter().for_each(|key| index.remove(key));
    settle(&index);
    assert!(index.is_empty() && index.backlog() == 0);
}

/// A definition comes back from an RDB file as it was, but for what the file has no place for.
fn is_saved(schema: &Schema) {
    let definition = Definition {
        name: b"index".as_slice().into(),
        schema: schema.clone(),
        aliases: Vec::new(),
        synonyms: Vec::new(),
    };
    let definitions = Definitions(vec![definition]);
    let saved = Memory::of(&definitions, VERSION);
    let loaded: Definitions = saved.clone().load(VERSION).expect("what was saved");
    assert_eq!(Memory::of(&loaded, VERSION), saved);
}

fn alter(words: &[&[u8]]) {
    let index = everything();
    let before = index.schema();
    let Ok(alter) = Alter::parse(words, &before, &LIMITS) else { return };
    assert!(alter.schema.fields.starts_with(&before.fields));
    index.alter(alter.schema);
    settle(&index);
    assert_eq!(index.info().fields.len(), index.schema().fields.len());
}

fn search(words: &[&[u8]]) {
    let Ok(request) = Request::parse(words, &Defaults::default()) else { return };
    let index = everything();
    let Ok(query) = request.query(&index.schema()) else { return };
    let _ = ask(&index, &query, request.order.as_ref(), request.limit);
}
