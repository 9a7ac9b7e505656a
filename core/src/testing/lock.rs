//! What is stored cannot change unnoticed.

mod compare;
mod file;
mod form;

use std::{env, fs, io, path::Path};

use crate::{Schemas, testing::fail};

use compare::Comparison;
use file::LockFile;

/// When this variable is `1`, lock files are written.
const BLESS: &str = "ANNALS_BLESS";

/// Makes a `#[test]` that holds what an application stores against a lock file in its repository. With feature `testing`.
///
/// ```
/// # mod domain {
#[doc = include_str!("../doc/counter.txt")]
/// annals_core::schema_lock!("events.lock", annals_core::Schemas::new().aggregate::<Counter>());
/// # }
/// ```
///
/// The path is relative to the package's folder. See [`schemas_are_locked`](crate::testing::schemas_are_locked).
#[macro_export]
macro_rules! schema_lock {
    ($path:expr, $schemas:expr $(,)?) => {
        #[::core::prelude::v1::test]
        fn schemas_are_locked() {
            let path = ::std::path::Path::new(::core::env!("CARGO_MANIFEST_DIR")).join($path);
            $crate::testing::schemas_are_locked(path, &$schemas);
        }
    };
}

/// What the events and commands of `schemas` are stored as is what the file at `path` says: names, versions, shapes and
/// tags, and for every form of an event that was ever locked some payloads, which have to be read for ever.
///
/// Run the test with `ANNALS_BLESS=1` to write the file, and keep it with the code. From then on it fails
/// * when a form is new, or what it is stored as or tagged with has changed; what is meant, and can be read by the rules of
///   [`Schemas::compatibility`], is accepted with `ANNALS_BLESS=1`;
/// * whatever was asked for, when a stored shape changed under the same version so that what is stored can no longer be
///   read, or, where the mode says so, older code cannot read what is new; when nothing reads a locked form any more and it
///   is not retired; when a locked payload cannot be read, or is read as an event of another kind than its variant's; when a
///   kind has no example, or the file was changed by hand.
///
/// # Panics
/// When it does not hold, with each difference and what to do.
#[track_caller]
pub fn schemas_are_locked(path: impl AsRef<Path>, schemas: &Schemas) {
    let bless = env::var_os(BLESS).is_some_and(|value| value == "1");
    if let Err(reason) = check(path.as_ref(), schemas, bless) {
        fail(&format!("{}: {reason}", path.as_ref().display()));
    }
}

/// Writes the lock file at `path`, as the test does with `ANNALS_BLESS=1`.
///
/// # Panics
/// When there is something that cannot be accepted, with what to do; the file is as before.
#[track_caller]
pub fn lock_schemas(path: impl AsRef<Path>, schemas: &Schemas) {
    if let Err(reason) = check(path.as_ref(), schemas, true) {
        fail(&format!("{}: {reason}", path.as_ref().display()));
    }
}

/// The test, told whether to write.
fn check(path: &Path, schemas: &Schemas, bless: bool) -> Result<(), String> {
    let (lock, is_there) = match fs::read_to_string(path) {
        Ok(text) => (LockFile::parse(&text)?, true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (LockFile::default(), false),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let Comparison { locked, wrong, changed } = Comparison::of(lock, schemas);
    if !wrong.is_empty() {
        return Err(format!("what is stored would no longer be read, or cannot be locked:\n\n{}", wrong.join("\n\n")));
    }
    if changed.is_empty() && (is_there || !bless) {
        return Ok(());
    }
    if !bless && !is_there {
        let forms: Vec<_> = locked.forms.keys().map(ToString::to_string).collect();
        let forms = forms.join("\n  ");
        return Err(format!(
            "there is no such file yet, so nothing holds what these are stored as:\n\n  {forms}\n\nRun the test with \
             {BLESS}=1 to write it, and keep it with the code"
        ));
    }
    if !bless {
        let changed = changed.join("\n\n");
        return Err(format!(
            "what is stored has changed:\n\n{changed}\n\nIf this is meant, run the test with {BLESS}=1"
        ));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, locked.to_string()));
    written.map_err(|error| format!("it cannot be written: {error}"))
}
