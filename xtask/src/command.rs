//! Running other programs, and saying so.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use crate::failure::Failure;

/// A program to run. It is printed before it runs, and gets no standard input.
pub(crate) struct Run {
    command: Command,
    shown: String,
}

impl Run {
    /// `cargo` with these arguments, in `folder`: the one that runs this tool.
    pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> Self {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.current_dir(folder).args(arguments).stdin(Stdio::null());
        Self { command, shown: format!("cargo {}", arguments.join(" ")) }
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown = format!("{} {}", self.shown, argument.as_ref().display());
        self.command.arg(argument);
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.shown = format!("{name}='{value}' {}", self.shown);
        self.command.env(name, value);
        self
    }

    /// Runs it; fails if it does.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let command = self.shown.clone();
        match self.status()? {
            status if status.success() => Ok(()),
            status => Err(Failure::Command { command, status }),
        }
    }

    /// Runs it, and says how it ended.
    pub(crate) fn status(mut self) -> Result<std::process::ExitStatus, Failure> {
        println!("$ {}", self.shown);
        self.command.status().map_err(|source| Failure::Start { command: self.shown, source })
    }

    /// Runs tests, and gives what they wrote to their standard output; shows it when they fail, seeds included.
    pub(crate) fn output_of_tests(mut self) -> Result<String, Failure> {
        println!("$ {}", self.shown);
        let result = self.command.stderr(Stdio::inherit()).output();
        let output = result.map_err(|source| Failure::Start { command: self.shown.clone(), source })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            println!("{text}");
            return Err(Failure::Command { command: self.shown, status: output.status });
        }
        Ok(text)
    }

    /// Runs it, and gives what it wrote to its standard output.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Failure> {
        println!("$ {}", self.shown);
        let result = self.command.stderr(Stdio::inherit()).output();
        let output = result.map_err(|source| Failure::Start { command: self.shown.clone(), source })?;
        if !output.status.success() {
            return Err(Failure::Command { command: self.shown, status: output.status });
        }
        Ok(output.stdout)
    }
}
