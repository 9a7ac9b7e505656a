//! Bringing the books of an earlier version of this program to today's: a copy in which every event is stored as today's
//! code stores it.

use std::{error::Error, path::Path};

use annals::{
    Aggregate, Digest, Event, Fate, InvalidText, Record, Transformation, TransformationName,
    embedded::{CopyError, CopyProgress, CopyReport, CopyTransform, CopyVerification},
};

use crate::domain::{Account, Customer};

/// Every event of an account or a customer as today's code stores it: under its name, in its version, with its tags.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsOfToday;

impl Transformation for AsOfToday {
    /// Names what the code knows: with other events, it is another transformation.
    fn name(&self) -> Result<TransformationName, InvalidText> {
        let kinds = <Account as Aggregate>::Event::KINDS.iter().chain(<Customer as Aggregate>::Event::KINDS);
        let known: String = kinds.map(|kind| format!("{} {}\n", kind.name, kind.version)).collect();
        TransformationName::new(format!("banking as of {}", Digest::of(&[known.as_bytes()])))
    }

    fn record(&mut self, record: &Record) -> Result<Fate, Box<dyn Error + Send + Sync>> {
        Ok(match record.stream().category() {
            Account::NAME => Fate::as_of_today::<<Account as Aggregate>::Event>(record)?,
            Customer::NAME => Fate::as_of_today::<<Customer as Aggregate>::Event>(record)?,
            _ => Fate::Keep,
        })
    }
}

/// Copies the books in `from` into the empty folder `to`, or goes on with that. Blocks.
///
/// # Errors
/// [`CopyError`].
pub fn migrate(
    from: &Path,
    to: &Path,
    progress: impl FnMut(CopyProgress) + Send + 'static,
) -> Result<CopyReport, CopyError> {
    CopyTransform::new(from, to, AsOfToday).progress(progress).run()
}

/// Reads both again and compares. Blocks.
///
/// # Errors
/// [`CopyError`].
pub fn verify(
    from: &Path,
    to: &Path,
    progress: impl FnMut(CopyProgress) + Send + 'static,
) -> Result<CopyVerification, CopyError> {
    CopyTransform::new(from, to, AsOfToday).progress(progress).verify()
}
