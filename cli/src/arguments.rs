//! What can be said on the command line.

use clap::{Parser, ValueEnum};

use crate::command::Command;

/// Looks after an embedded store of annals from the command line
///
/// A store is a folder. Commands that only read look at its log alone: they take no lock, never open the index, and change
/// nothing, so they may be used beside an application that has the store open.
#[derive(Debug, Parser)]
#[command(name = "annals", version, max_term_width = 100, after_long_help = AFTER)]
pub(crate) struct Arguments {
    /// How results are shown: `table` for people, `json` for programs
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: tables, trees and sentences
    Table,
    /// For programs: a JSON document; a line of JSON an event from `events`
    Json,
}

const AFTER: &str = "\
Exit codes:
  0  it was done, and all is well
  1  it could not be done, or something is not well: the text says what, and what to do
  2  the command line was not understood

Environment:
  COLUMNS   how wide tables may be; the terminal's width by default, as wide as they are where there is none
  NO_COLOR  if set and not empty, nothing is coloured; what is not written to a terminal never is

Examples:
  annals info bank.annals
  annals events bank.annals --category account --since 2026-03-01 --limit 20
  annals show bank.annals 42 --output json | jq .payload

`annals help <command>` has examples of each command.";
