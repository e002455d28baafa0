//! Records beside the keys of RDB files. Input: a byte for the kind, a byte for an encoding version,
//! and the fields as a file has them.

use keyspan_common::rdb::{Memory, PayloadReader, PayloadWriter, Value, payload::Strings};
use keyspan_search_core::{
    engine::{Index, Settings},
    schema::aux::{Definition, Definitions, VALKEY_VERSION, VERSION, ValkeyDefinitions},
};

use super::{everything, settle};

/// Longer inputs teach nothing new.
const INPUT_MAX: usize = 64 << 10;

/// Loads the input as what its first byte says.
pub fn check(input: &[u8]) {
    let [kind, version, rest @ ..] = input else { return };
    if rest.len() > INPUT_MAX {
        return;
    }
    match kind % 4 {
        0 => definitions(u32::from(*version), rest),
        1 => valkey(rest),
        2 => graphs(rest),
        _ => changed_graphs(usize::from(*version), rest),
    }
}

fn definitions(version: u32, body: &[u8]) {
    let Ok(definitions) = Definitions::load(&mut PayloadReader::new(body), version.into()) else {
        return;
    };
    definitions.0.iter().for_each(is_usable);
    let saved = Memory::of(&definitions, VERSION);
    let loaded: Definitions = saved.clone().load(VERSION).expect("what was saved");
    assert_eq!(Memory::of(&loaded, VERSION), saved);
}

fn valkey(body: &[u8]) {
    let loaded = ValkeyDefinitions::load(&mut PayloadReader::new(body), VALKEY_VERSION.into());
    if let Ok(definitions) = loaded {
        definitions.0.iter().for_each(|(_, definition)| is_usable(definition));
    }
}

/// Whatever a file defines, an index can be made of it.
fn is_usable(definition: &Definition) {
    let index = Index::new(definition.schema.clone(), Settings::default());
    assert_eq!(index.info().fields.len(), definition.schema.fields.len());
    settle(&index);
}

/// An index stays whole, whatever is read.
fn graphs(body: &[u8]) {
    let index = everything();
    let _ = index.load(&mut PayloadReader::new(body));
    assert!(index.info().documents == index.len());
    settle(&index);
    assert_eq!(index.backlog(), 0);
}

/// The record of an index with some of its bytes changed.
fn changed_graphs(step: usize, changes: &[u8]) {
    let saved = everything();
    settle(&saved);
    let mut writer = PayloadWriter::new(Strings::Plain);
    saved.save(&mut writer, false);
    let mut body = writer.into_body();
    let mut place = 0;
    for change in changes.iter().take(8) {
        place = (place + step + usize::from(*change)) % body.len();
        body[place] ^= change;
    }
    graphs(&body);
}
