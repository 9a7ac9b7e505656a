//! How large the same events are in other encodings.

use annals_core::codec;

use super::past::LineAdded;
use crate::{Failure, table::markdown};

/// Encodings, and how many bytes each takes for an event.
pub(super) fn table(lines: &[LineAdded]) -> Result<String, Failure> {
    let [mut ours, mut json] = [0_usize; 2];
    for line in lines {
        ours += codec::encode("line", line)?.len();
        json += serde_json::to_vec(line)?.len();
    }
    let mean = |bytes: usize| bytes as f64 / lines.len() as f64;
    let row = |name: &str, bytes| {
        [name.to_owned(), format!("{:.0}", mean(bytes)), format!("{:.2}", mean(bytes) / mean(ours))]
    };
    let rows = [row("annals: MessagePack, fields by name", ours), row("JSON", json)];
    Ok(markdown(&["encoding", "bytes", "to annals"], rows))
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
        assert_eq!(table.lines().count(), 4, "{table}");
    }
}
