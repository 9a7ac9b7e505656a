//! Payloads as JSON.

use std::fmt::Write as _;

use annals_core::codec::{PayloadError, Value, decode_value};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

/// A payload, decoded where it is MessagePack: that is what annals' own codec writes.
#[derive(Debug)]
pub(crate) struct Payload<'a> {
    bytes: &'a [u8],
    value: Result<Value, PayloadError>,
}

impl<'a> Payload<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, value: decode_value(bytes) }
    }

    /// Why it is not shown as JSON, if it is not.
    pub(crate) fn problem(&self) -> Option<String> {
        self.value.as_ref().err().map(|error| format!("the payload is no MessagePack: it {error}"))
    }

    /// One line of JSON; bytes in hex where it is no MessagePack.
    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same on several lines.
    pub(crate) fn lines(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Its bytes in hex.
    pub(crate) fn hex(&self) -> String {
        hex(self.bytes)
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Ok(value) => Json(value).serialize(serializer),
            Err(_) => serializer.serialize_str(&format!("0x{}", hex(self.bytes))),
        }
    }
}

/// MessagePack as JSON, fields in their order. What JSON does not have is text: bytes are `0x` and hex, numbers that are
/// none `NaN` or `inf`, an extension its type, a colon and its bytes; keys that are no text are their JSON.
struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Binary(bytes) => serializer.serialize_str(&format!("0x{}", hex(bytes))),
            Value::Ext(kind, bytes) => serializer.serialize_str(&format!("{kind}:0x{}", hex(bytes))),
            Value::F32(number) if !number.is_finite() => serializer.serialize_str(&number.to_string()),
            Value::F64(number) if !number.is_finite() => serializer.serialize_str(&number.to_string()),
            Value::String(text) => match text.as_str() {
                Some(text) => serializer.serialize_str(text),
                None => serializer.serialize_str(&format!("0x{}", hex(text.as_bytes()))),
            },
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Json(item))?;
                }
                list.end()
            }
            Value::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    match key.as_str() {
                        Some(key) => map.serialize_entry(key, &Json(value))?,
                        None => {
                            let key = serde_json::to_string(&Json(key)).unwrap_or_default();
                            map.serialize_entry(&key, &Json(value))?;
                        }
                    }
                }
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// Bytes in hex, two digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes as a hex dump: sixteen a line, with their offset, and as text.
pub(crate) fn dump(bytes: &[u8]) -> Vec<String> {
    let line = |(index, chunk): (usize, &[u8])| {
        let digits: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            chunk.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' }).collect();
        format!("{:08x}  {:<47}  {text}", index * 16, digits.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_does_not_have_is_shown_as_text() {
        let value = Value::Map(vec![
            ("z".into(), Value::Binary(vec![0, 255])),
            ("a".into(), Value::Array(vec![f64::NAN.into(), 1.5.into(), Value::Nil, u64::MAX.into()])),
            (3.into(), Value::Ext(4, vec![1])),
        ]);
        let mut bytes = Vec::new();
        rmpv_write(&mut bytes, &value);
        let payload = Payload::of(&bytes);
        assert_eq!(payload.line(), r#"{"z":"0x00ff","a":["NaN",1.5,null,18446744073709551615],"3":"4:0x01"}"#);
        assert_eq!(payload.problem(), None);
    }

    fn rmpv_write(bytes: &mut Vec<u8>, value: &Value) {
        bytes.extend_from_slice(&annals_core::codec::encode("value", value).unwrap());
    }

    #[test]
    fn bytes_that_are_no_messagepack_are_shown_in_hex() {
        let payload = Payload::of(b"\xc1 ab");
        assert_eq!(payload.line(), r#""0xc1206162""#);
        assert!(payload.problem().unwrap().contains("no MessagePack"));
        assert_eq!(dump(b"0123456789abcdef\n")[1], "00000010  0a                                               .");
    }
}
