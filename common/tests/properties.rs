//! What is written reads back, and what nobody wrote is refused without a panic.
#![expect(clippy::unwrap_used, reason = "a property that does not hold fails the test")]

use keyspan_common::number::{parse_f64, parse_i64, print_f64, print_i64, print_resp_double};
use keyspan_common::rdb::payload::{self, Strings};
use keyspan_common::rdb::{
    Encoding, Error, Field, Memory, PayloadReader, PayloadWriter, Read, TypeId, Value, Write, dump,
    file, lzf,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A value that is its fields, kinds first.
#[derive(Clone, Debug, PartialEq)]
struct Fields(Vec<Field>);

impl Value for Fields {
    const TYPE_NAMES: &'static [&'static str] = &["any-value"];

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        if encoding.version != 1 {
            return Err(Error::Version);
        }
        let kinds = reader.bytes()?;
        let read = |kind: &u8| {
            Ok(match kind {
                0 => Field::Unsigned(reader.unsigned()?),
                1 => Field::Unsigned(reader.signed()?.cast_unsigned()),
                2 => Field::Float(reader.float()?),
                3 => Field::Double(reader.double()?),
                4 => Field::Bytes(reader.bytes()?.as_ref().to_vec()),
                _ => return Err(Error::Invalid),
            })
        };
        kinds.as_ref().iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        let kind = |field: &Field| match field {
            Field::Unsigned(value) => u8::from(value % 2 == 1),
            Field::Float(_) => 2,
            Field::Double(_) => 3,
            Field::Bytes(_) => 4,
        };
        writer.bytes(&self.0.iter().map(kind).collect::<Vec<_>>());
        for field in &self.0 {
            match field {
                Field::Unsigned(value) if value % 2 == 1 => writer.signed(value.cast_signed()),
                Field::Unsigned(value) => writer.unsigned(*value),
                Field::Float(value) => writer.float(*value),
                Field::Double(value) => writer.double(*value),
                Field::Bytes(value) => writer.bytes(value),
            }
        }
    }
}

/// Bytes of the kinds that are stored in different ways: noise, numbers, repetitions.
fn strings() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..100),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (-70_000..70_000_i32).prop_map(|number| number.to_string().into_bytes()),
        (vec(any::<u8>(), 1..8), 1..600_usize).prop_map(|(unit, times)| unit.repeat(times)),
        vec(0..3_u8, 0..2000),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        any::<u64>().prop_map(Field::Unsigned),
        (0..20_000_u64).prop_map(Field::Unsigned),
        any::<u32>().prop_map(|bits| Field::Float(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Field::Double(f64::from_bits(bits))),
        strings().prop_map(Field::Bytes),
    ]
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    vec(field(), 0..12)
}

fn body(fields: &[Field], strings: Strings) -> Vec<u8> {
    let mut writer = PayloadWriter::new(strings);
    fields.iter().for_each(|field| writer.field(field));
    writer.into_body()
}

fn printed<T>(print: fn(T, &mut Vec<u8>), value: T) -> String {
    let mut out = Vec::new();
    print(value, &mut out);
    String::from_utf8(out).unwrap()
}

/// A decimal of few digits, as people write them.
fn decimal() -> impl Strategy<Value = f64> {
    (any::<i64>(), 0..63_u32, -12..25_i32)
        .prop_map(|(digits, shift, power)| format!("{}e-{power}", digits >> shift))
        .prop_map(|text| text.replace("--", "").parse().unwrap())
}

/// Decimals of each length and doubles next to them.
fn doubles() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => decimal(),
        2 => (decimal(), -3..4_i64).prop_map(|(number, step)| {
            f64::from_bits(number.to_bits().saturating_add_signed(step))
        }),
        2 => any::<f64>(),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => any::<i64>().prop_map(|number| f64::from_bits(number.cast_unsigned() & 0x43ff << 48)),
    ]
}

proptest! {
    #[test]
    fn fields_survive_bytes(fields in fields()) {
        let plain = body(&fields, Strings::Plain);
        let encoded = body(&fields, Strings::Encoded);
        prop_assert_eq!(payload::fields(&plain).unwrap(), fields.as_slice());
        prop_assert_eq!(payload::fields(&encoded).unwrap(), fields.as_slice());
        prop_assert!(encoded.len() <= plain.len());
    }

    #[test]
    fn values_survive_each_back_end(fields in fields()) {
        let value = Fields(fields);
        prop_assert_eq!(Memory::round_trip(&value, 1), Ok(value.clone()));
        let dumped = dump::save_dump(&value, 1, 11).unwrap();
        prop_assert_eq!(dump::load_dump(&dumped), Ok(value.clone()));
        prop_assert_eq!(Memory::of(&value, 1).load::<Fields>(2), Err(Error::Version));

        let kept = Memory::of(&value, 1);
        let seen = payload::fields(dump::parse(&dumped).unwrap().body).unwrap();
        prop_assert!(kept.fields().eq(&seen));
        let extended = seen.into_iter().chain([Field::Unsigned(0)]);
        prop_assert_eq!(extended.collect::<Memory>().load::<Fields>(1), Err(Error::Invalid));
    }

    #[test]
    fn files_keep_their_values(
        entries in vec((0..20_u64, strings(), any::<Option<i64>>(), fields()), 0..5),
    ) {
        let mut writer = file::Writer::new(file::Magic { family: file::Family::Valkey, version: 80 });
        for (database, key, expires_at_ms, fields) in &entries {
            writer.database(*database);
            writer.value(key, *expires_at_ms, &Fields(fields.clone()), 1).unwrap();
        }
        let bytes = writer.finish();
        let mut reader = file::Reader::new(&bytes).unwrap();
        for (database, key, expires_at_ms, fields) in entries {
            let Some(Ok(file::Record::Entry(entry))) = reader.next() else {
                return Err(TestCaseError::fail("no entry"));
            };
            prop_assert_eq!((entry.database, entry.expires_at_ms), (database, expires_at_ms));
            prop_assert_eq!(entry.key.as_ref(), key.as_slice());
            let file::Stored::Module { type_id, body } = entry.stored else {
                return Err(TestCaseError::fail("no module value"));
            };
            prop_assert_eq!(dump::load_body(type_id, body), Ok(Fields(fields)));
        }
        prop_assert_eq!(reader.next(), None);
    }

    #[test]
    fn damage_is_an_error_or_another_value(
        fields in fields(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = dump::save_dump(&Fields(fields), 1, 11).unwrap();
        for (place, byte) in &damage {
            *place.get_mut(&mut bytes) = *byte;
        }
        let bytes = dump::resign(&bytes, 11);
        let _ = dump::load_dump::<Fields>(&bytes);
        if let Ok(dump) = dump::parse(&bytes) {
            let _ = payload::fields(dump.body);
        }
        let in_file = [b"REDIS0011".as_slice(), &bytes].concat();
        let _ = file::Reader::new(&in_file).unwrap().count();
    }

    #[test]
    fn noise_is_never_a_panic(noise in vec(any::<u8>(), 0..200)) {
        let _ = payload::fields(&noise);
        let _ = dump::parse(&dump::resign(&noise, 9));
        let _ = dump::load_dump::<Fields>(&dump::resign(&noise, 9));
        let _ = PayloadReader::new(&noise).bytes();
        let in_file = [b"REDIS0011".as_slice(), &noise].concat();
        let _ = file::Reader::new(&in_file).unwrap().count();
    }

    #[test]
    fn type_ids_keep_name_and_version(raw in any::<u64>()) {
        let id = TypeId::from_raw(raw);
        prop_assert_eq!(TypeId::new(&id.name(), id.version()), Ok(id));
    }

    #[test]
    fn compression_is_undone(plain in strings()) {
        if let Some(compressed) = lzf::compress(&plain) {
            let len = plain.len() as u64;
            prop_assert_eq!(lzf::decompress(&compressed, len), Ok(plain));
            prop_assert_eq!(lzf::decompress(&compressed, len + 1), Err(Error::Invalid));
            prop_assert_eq!(lzf::decompress(&compressed, len - 1), Err(Error::Invalid));
        }
    }

    #[test]
    fn decompression_holds_its_length(noise in vec(any::<u8>(), 0..60), len in 0..6000_u64) {
        if let Ok(plain) = lzf::decompress(&noise, len) {
            prop_assert_eq!(plain.len() as u64, len);
        }
    }

    #[test]
    fn integers_print_and_parse(number in any::<i64>(), shift in 0..64_u32) {
        let number = number >> shift;
        prop_assert_eq!(parse_i64(printed(print_i64, number).as_bytes()), Some(number));
    }

    #[test]
    fn only_canonical_integers_parse(text in "[-+ ]{0,1}[0-9]{0,20}") {
        if let Some(number) = parse_i64(text.as_bytes()) {
            prop_assert_eq!(number.to_string(), text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50_000))]

    #[test]
    fn doubles_print_as_ryu_does(number in doubles()) {
        for number in [number, -number] {
            let mut buffer = ryu::Buffer::new();
            prop_assert_eq!(printed(print_f64, number), buffer.format(number));
        }
    }

    #[test]
    fn resp_doubles_read_back(number in doubles()) {
        let text = printed(print_resp_double, number);
        let read = parse_f64(text.as_bytes());
        prop_assert_eq!(read.map(f64::to_bits), (!number.is_nan()).then_some(number.to_bits()));
    }
}
