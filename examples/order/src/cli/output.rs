//! Where reports go.

use std::io::{self, ErrorKind, Stdout, Write};

/// The standard output. When its reader has gone, what is written is dropped: an import that is piped into `head` goes
/// on to its end.
#[derive(Debug)]
pub(super) struct Output(Stdout);

impl Output {
    /// The standard output.
    pub(super) fn standard() -> Self {
        Self(io::stdout())
    }
}

fn unless_gone<T>(result: io::Result<T>, gone: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(gone),
        result => result,
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_gone(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_gone(self.0.flush(), ())
    }
}
