//! What is shown.

mod accounts;
mod audit;
mod dashboard;
mod import;
mod migrate;
mod quarter;
mod rebuild;
mod statement;

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::HumanCount;

pub(super) use accounts::{accounts, set_aside};
pub(super) use audit::audit;
pub(super) use dashboard::dashboard;
pub(super) use import::{comparison, import, import_begins, left_out};
pub(super) use migrate::{migrated, verification};
pub(super) use quarter::{apart, balances, begins, next_steps, outcome, slow_disk, slow_run};
pub(super) use rebuild::{difference, goes_on, kept, of_account, swapped};
pub(super) use statement::{months, statement};

/// An empty table; the columns numbered `numbers` are aligned to the right.
fn table<const N: usize>(columns: [&str; N], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(columns);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A number with thousands.
fn count(number: impl TryInto<u64>) -> String {
    HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}
