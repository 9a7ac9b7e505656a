//! `annals`: looks after an embedded store from the command line. `annals help` says what it can do.

mod arguments;
mod command;
mod error;
mod output;
mod payload;
mod progress;
mod shown;
mod walk;

use std::{io::Write, process::ExitCode};

use clap::Parser;

use crate::{arguments::Arguments, output::Output};

fn main() -> ExitCode {
    let Arguments { output, command } = Arguments::parse();
    let mut out = Output::standard(output);
    let done = command.run(&mut out).and_then(|code| Ok(out.flush().map(|()| code)?));
    match done {
        Ok(code) => code,
        // Whoever read the output has enough of it.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            drop(out);
            show_errors_in(output::error_width());
            let report = miette::Report::new(error);
            // Nobody is left to tell where that fails.
            let _ = writeln!(std::io::stderr(), "{report:?}");
            ExitCode::FAILURE
        }
    }
}

/// Lets reports be so wide. Where another handler is set, that is used.
fn show_errors_in(width: usize) {
    let _ = miette::set_hook(Box::new(move |_| Box::new(miette::MietteHandlerOpts::new().width(width).build())));
}
