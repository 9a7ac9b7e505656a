//! How large the same events are in other encodings.

use annals_core::{
    codec,
    shape::{Name, Schema},
};
use apache_avro::{types::Value, writer::datum::GenericDatumWriter};
use uuid::Uuid;

use super::past::LineAdded;
use crate::{Failure, table::markdown};

/// Encodings, and how many bytes each takes for an event.
pub(super) fn table(lines: &[LineAdded]) -> Result<String, Failure> {
    let avro = Schema::of::<LineAdded>().to_avro(&Name::from("LineAdded"))?;
    let writer = GenericDatumWriter::builder(&avro).build()?;
    let [mut ours, mut json, mut binary] = [0_usize; 3];
    for line in lines {
        ours += codec::encode("line", line)?.len();
        json += serde_json::to_vec(line)?.len();
        let value = with_uuids(apache_avro::to_value(line)?).resolve(&avro)?;
        binary += writer.write_value_to_vec(value)?.len();
    }
    let mean = |bytes: usize| bytes as f64 / lines.len() as f64;
    let row = |name: &str, bytes| {
        [name.to_owned(), format!("{:.0}", mean(bytes)), format!("{:.2}", mean(bytes) / mean(ours))]
    };
    let rows = [
        row("annals: MessagePack, fields by name", ours),
        row("JSON", json),
        row("Avro: fields by place, read with the schema alone", binary),
    ];
    Ok(markdown(&["encoding", "bytes", "to annals"], rows))
}

/// The id as Avro wants it: serde gives it out as bytes.
fn with_uuids(line: Value) -> Value {
    let Value::Record(fields) = line else { return line };
    let field = |(name, value): (String, Value)| match value {
        Value::Bytes(bytes) => match Uuid::from_slice(&bytes) {
            Ok(uuid) => (name, Value::Uuid(uuid)),
            Err(_) => (name, Value::Bytes(bytes)),
        },
        other => (name, other),
    };
    Value::Record(fields.into_iter().map(field).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::OrderEvent, random::Random};

    #[test]
    fn every_encoding_has_a_size() {
        let mut random = Random::new(1);
        let lines: Vec<_> = (0..10).filter_map(|_| LineAdded::of(&OrderEvent::random(&mut random))).collect();
        let table = table(&lines).unwrap();
        assert_eq!(table.lines().count(), 5, "{table}");
    }
}
