//! `annals completions`.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{arguments::Arguments, error::CliError};

/// Write a script that completes the command line in a shell
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  annals completions bash > ~/.local/share/bash-completion/completions/annals
  annals completions zsh  > ~/.zfunc/_annals      # with ~/.zfunc in fpath
  annals completions fish > ~/.config/fish/completions/annals.fish";

impl Completions {
    pub(super) fn run(self) -> Result<(), CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "annals", &mut script);
        Ok(io::Write::write_all(&mut io::stdout(), &script)?)
    }
}
