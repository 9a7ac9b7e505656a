//! How large the same events are in other encodings.

use annals_core::{codec, shape::Schema};
use apache_avro::{types::Value, writer::datum::GenericDatumWriter};

use super::past::LineAdded;
use crate::{Failure, table::markdown};

/// Encodings, and how many bytes each takes for an event.
pub(super) fn table(lines: &[LineAdded]) -> Result<String, Failure> {
    let schema = schema()?;
    let avro = GenericDatumWriter::builder(&schema).build()?;
    let mut sizes = [0_usize; 3];
    for line in lines {
        let encoded = [
            codec::encode("line", line)?.len(),
            serde_json::to_vec(line)?.len(),
            avro.write_value_to_vec(in_avro(apache_avro::to_value(line)?)?)?.len(),
        ];
        for (size, bytes) in sizes.iter_mut().zip(encoded) {
            *size += bytes;
        }
    }
    let [ours, json, avro] = sizes.map(|bytes| bytes as f64 / lines.len() as f64);
    let row = |name: &str, bytes: f64| [name.to_owned(), format!("{bytes:.0}"), format!("{:.2}", bytes / ours)];
    let rows = [
        row("annals: MessagePack, fields by name", ours),
        row("JSON", json),
        row("Avro, without the schema that reading it takes", avro),
    ];
    Ok(markdown(&["encoding", "bytes", "to annals"], rows))
}

/// The schema of a line in Avro, as annals exports it.
fn schema() -> Result<apache_avro::Schema, Failure> {
    Ok(Schema::of::<LineAdded>().to_avro(&"LineAdded".into())?)
}

/// What apache-avro makes of a line, with numbers and ids as the schema has them.
fn in_avro(value: Value) -> Result<Value, Failure> {
    Ok(match value {
        Value::Record(fields) => {
            let fields = fields.into_iter().map(|(name, value)| Ok((name, in_avro(value)?)));
            Value::Record(fields.collect::<Result<_, Failure>>()?)
        }
        // A `u64` is eight bytes to it, the lowest first.
        Value::Fixed(8, bytes) => {
            let big_endian: Vec<u8> = [0].into_iter().chain(bytes.into_iter().rev()).collect();
            Value::Decimal(big_endian.into())
        }
        Value::Bytes(id) => Value::Uuid(uuid::Uuid::from_slice(&id)?),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use apache_avro::reader::datum::GenericDatumReader;

    use super::*;
    use crate::{event::OrderEvent, random::Random};

    fn lines() -> Vec<LineAdded> {
        let mut random = Random::new(1);
        (0..10).filter_map(|_| LineAdded::of(&OrderEvent::random(&mut random))).collect()
    }

    #[test]
    fn every_encoding_has_a_size() {
        let table = table(&lines()).unwrap();
        assert_eq!(table.lines().count(), 5, "{table}");
    }

    #[test]
    fn what_is_written_in_avro_is_read_with_the_schema() {
        let schema = schema().unwrap();
        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        let reader = GenericDatumReader::builder(&schema).reader_schema(&schema).build().unwrap();
        for line in lines() {
            let value = in_avro(apache_avro::to_value(&line).unwrap()).unwrap();
            let bytes = writer.write_value_to_vec(value.clone()).unwrap();
            let Value::Record(read) = reader.read_value(&mut &bytes[..]).unwrap() else { panic!("no record") };
            let Value::Record(written) = value.resolve(&schema).unwrap() else { panic!("no record") };
            assert_eq!(read, written);
        }
    }
}
