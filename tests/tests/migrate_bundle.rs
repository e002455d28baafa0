//! A file as a valkey-bundle writes it: documents, and valkey-search's record of an index over them,
//! composed from its layout.

use keyspan_common::rdb::file::{Family, Magic, Writer};
use keyspan_common::rdb::payload::Strings;
use keyspan_common::rdb::{PayloadWriter, TypeId, Write};
use keyspan_tests::{Failure, Outcome, Spec, Value, ensure, migrate, replication};

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A number in a message.
fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// A string or a message in a message.
fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let length = u64::try_from(value.len()).unwrap_or_default();
    [varint(field << 3 | 2), varint(length), value.to_vec()].concat()
}

fn attribute(alias: &str, path: &str, kind: &[u8]) -> Vec<u8> {
    bytes(6, &[bytes(1, alias.as_bytes()), bytes(2, path.as_bytes()), bytes(3, kind)].concat())
}

/// Over JSON documents at `item:`: a number, a tag, a vector, a text.
fn schema() -> Vec<u8> {
    let hnsw = [number(1, 8), number(2, 100), number(3, 20)].concat();
    let vector =
        [number(1, 2), number(3, 1), number(4, 1), number(5, 100), bytes(6, &hnsw)].concat();
    [
        bytes(1, b"items"),
        bytes(2, b"item:"),
        number(3, 2),
        attribute("price", "$.price", &bytes(2, b"")),
        attribute("kind", "$.kind", &bytes(3, &bytes(1, b","))),
        attribute("v", "$.v", &bytes(1, &vector)),
        attribute("title", "$.title", &bytes(4, b"")),
        bytes(7, &number(1, 2)),
    ]
    .concat()
}

fn body(fill: impl FnOnce(&mut PayloadWriter)) -> Vec<u8> {
    let mut writer = PayloadWriter::new(Strings::Plain);
    fill(&mut writer);
    writer.into_body()
}

fn file() -> Outcome<Vec<u8>> {
    let odd = |error| Failure::new(format!("{error:?}"));
    let mut writer = Writer::new(Magic { family: Family::Valkey, version: 80 });
    let document = TypeId::new("ReJSON-RL", 3).map_err(odd)?;
    for (key, text) in [
        ("item:1", r#"{"price":3,"kind":"a,b","v":[1,0],"title":"first"}"#),
        ("item:2", r#"{"price":30,"kind":"b","v":[5,0],"title":"second"}"#),
    ] {
        writer.module(
            key.as_bytes(),
            None,
            document,
            &body(|fields| fields.bytes(text.as_bytes())),
        );
    }
    let section = [number(1, 1), number(2, 1), bytes(3, &schema())].concat();
    let record = body(|fields| {
        fields.unsigned(1 << 16);
        fields.unsigned(1);
        fields.bytes(&section);
        // Contents of an index, which are passed over: a header, chunks, and their end.
        for part in [b"header".as_slice(), b"links", b"vectors", b""] {
            fields.bytes(part);
        }
    });
    writer.module_aux(TypeId::new("Vk-Search", 1).map_err(odd)?, 2, &record);
    Ok(writer.finish())
}

const QUESTIONS: [(&str, &str); 3] = [
    ("FT.SEARCH items '@price:[0 5]' NOCONTENT", "[1, \"item:1\"]"),
    ("FT.SEARCH items '@kind:{b} -@kind:{a}' NOCONTENT", "[1, \"item:2\"]"),
    (
        r#"FT.SEARCH items '*=>[KNN 1 @v $q]' PARAMS 2 q "\x00\x00\x80\x40\x00\x00\x00\x00" NOCONTENT DIALECT 2"#,
        "[1, \"item:2\"]",
    ),
];

#[test]
fn indexes_of_a_valkey_bundle_are_built() -> Outcome<()> {
    let file = file()?;
    for cell in migrate::cells("Files")?.iter().filter(|cell| cell.from == "VALKEY080") {
        if !cell.to.is_chosen()? {
            continue;
        }
        let spec = migrate::on_road(migrate::spec(Spec::new(cell.to)?), &file, cell)?;
        let server = spec.start()?;
        let mut client = server.client()?;
        replication::wait("the scan", || {
            let found = client.value("FT.SEARCH items * LIMIT 0 0")?;
            Ok(found == Value::Array(vec![Value::Integer(2)]))
        })?;
        for (question, wanted) in QUESTIONS {
            let found = client.value(question)?.to_string();
            ensure(found == wanted, || format!("{} {question}: {found}", cell.to))?;
        }
        let info = client.value("FT.INFO items")?.to_string();
        ensure(info.contains("SKIPPED"), || format!("{}: {info}", cell.to))?;
    }
    Ok(())
}
