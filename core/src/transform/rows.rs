//! Rows of annals' own tables that name streams.

use bytes::Bytes;

use crate::{InvalidText, LoggedTable, RowWrite, StreamFate, StreamId};

use super::TransformError;

/// What becomes of a row when streams do: the rows of `$closed` and `$names` follow them, every other one is carried as it
/// is. `None` leaves the row out.
pub(super) fn follow(
    row: &RowWrite,
    fate: impl Fn(&StreamId) -> Result<StreamFate, TransformError>,
) -> Result<Option<RowWrite>, TransformError> {
    if row.table.name() == LoggedTable::CLOSED.name() {
        // A key that is no id within its tenant closes nothing, and is carried like any other row.
        let Some(stream) = closed(row) else { return Ok(Some(row.clone())) };
        return Ok(match fate(&stream)? {
            StreamFate::Keep => Some(row.clone()),
            StreamFate::Rename(to) => {
                let (table, key) = LoggedTable::CLOSED.row_of(&to);
                Some(RowWrite { table, key, value: row.value.clone() })
            }
            StreamFate::Drop => None,
        });
    }
    if row.table.name() == LoggedTable::NAMES.name()
        && let Some(value) = &row.value
        && let Ok(holder) = parse(value)
    {
        let value = match fate(&holder)? {
            StreamFate::Keep => Some(value.clone()),
            StreamFate::Rename(to) => Some(Bytes::copy_from_slice(to.as_str().as_bytes())),
            // Whoever had it before has given it away.
            StreamFate::Drop => None,
        };
        return Ok(Some(RowWrite { value, ..row.clone() }));
    }
    Ok(Some(row.clone()))
}

fn parse(text: &[u8]) -> Result<StreamId, InvalidText> {
    String::from_utf8_lossy(text).parse()
}

fn closed(row: &RowWrite) -> Option<StreamId> {
    let within = std::str::from_utf8(&row.key).ok()?;
    let stream: StreamId = match row.table.tenant() {
        Some(tenant) => format!("{tenant}/{within}").parse().ok()?,
        None => within.parse().ok()?,
    };
    (LoggedTable::CLOSED.row_of(&stream) == (row.table.clone(), row.key.clone())).then_some(stream)
}
