//! Where results go, and in which form.

use std::{
    fmt::Display,
    io::{self, BufWriter, IsTerminal, Stdout, Write},
};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::HumanCount;
use serde::Serialize;

use crate::arguments::Format;

/// The standard output.
#[derive(Debug)]
pub(crate) struct Output {
    to: BufWriter<Stdout>,
    format: Format,
    /// How wide tables may be, if that matters.
    width: Option<u16>,
    is_coloured: bool,
}

/// What a word says of what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Quiet,
}

impl Output {
    /// The standard output, with results in this form.
    pub(crate) fn standard(format: Format) -> Self {
        let to = io::stdout();
        let is_terminal = to.is_terminal();
        let width = columns().or_else(|| Some(terminal_size::terminal_size_of(&to)?.0.0));
        let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { to: BufWriter::new(to), format, width, is_coloured }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// How wide a line may be, if that matters.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width.map(usize::from)
    }

    /// Writes a JSON document.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.to, value)?;
        writeln!(self.to)
    }

    /// Writes a line of JSON.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, value)?;
        writeln!(self.to)
    }

    /// Writes a line of text.
    pub(crate) fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.to, "{line}")
    }

    /// Writes a table that fits the width.
    pub(crate) fn table(&mut self, mut table: Table) -> io::Result<()> {
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        writeln!(self.to, "{table}")
    }

    /// `text` in the colour of `tone`, on a terminal. Not for tables, which would count the letters of the colour.
    pub(crate) fn paint(&self, tone: Tone, text: impl Display) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Quiet => "2",
        };
        if self.is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Lets whoever reads see what was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// How wide the user wants lines to be.
fn columns() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// How wide lines of the standard error may be.
pub(crate) fn error_width() -> usize {
    const UNKNOWN: u16 = 100;
    let terminal = || Some(terminal_size::terminal_size_of(io::stderr())?.0.0);
    columns().or_else(terminal).unwrap_or(UNKNOWN).into()
}

/// An empty table with these columns; those numbered `numbers` are aligned to the right.
pub(crate) fn table<const N: usize>(columns: [&str; N], numbers: &[usize]) -> Table {
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
pub(crate) fn count(number: impl TryInto<u64>) -> String {
    HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}

/// `count(number)` and what is counted: `1 event`, `2 events`, `2 entries`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{} {stem}ies", count(number)),
        (_, None) => format!("{} {what}s", count(number)),
    }
}
