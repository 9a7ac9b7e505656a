//! Stored events fold to what they always did.

mod file;

use std::{env, fmt::Debug, fs, io, path::Path};

use crate::{Aggregate, Difference, Event, testing::fail};

use file::{GoldenFile, Meaning};

/// When this variable is `1`, golden files are written.
const BLESS: &str = "ANNALS_BLESS";

/// Stored events fold to what they always did: to the state in the golden file at `path`, which holds the histories as
/// they were stored, the state that each led to, and the snapshot version under which it did.
///
/// Run the test with `ANNALS_BLESS=1` to write the file, and keep it with the code. From then on the law fails
/// * when the fold gives another state under the same snapshot version, also with `ANNALS_BLESS=1`: stores hold snapshots
///   of the old state, and would go on using them. Raise the version, then write the file anew;
/// * when an event as it was stored can no longer be read;
/// * when a snapshot of an older version, which stays in the file as long as there are steps from it
///   (`snapshot(from(..))`), is brought to another state than the fold;
/// * when the test gives other histories, or the code has another snapshot version or shape: write the file anew.
///
/// States are compared as `{:#?}` writes them, so this must not change from run to run, as the order of a `HashMap` does.
///
/// # Panics
/// When it does not hold, with the difference and what to do.
#[track_caller]
pub fn fold_matches_golden<A>(path: impl AsRef<Path>, histories: &[Vec<A::Event>])
where
    A: Aggregate + Debug,
    A::Event: Debug + PartialEq,
{
    let bless = env::var_os(BLESS).is_some_and(|value| value == "1");
    if let Err(reason) = check::<A>(path.as_ref(), histories, bless) {
        fail(&format!("{}: {reason}", path.as_ref().display()));
    }
}

/// The law, told whether to write.
pub(super) fn check<A>(path: &Path, histories: &[Vec<A::Event>], bless: bool) -> Result<(), String>
where
    A: Aggregate + Debug,
    A::Event: Debug + PartialEq,
{
    let text = match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let golden = match text {
        Some(text) => {
            let golden = GoldenFile::parse(&text)?;
            check_against::<A>(&golden, bless)?;
            check_snapshots::<A>(&golden)?;
            if !bless {
                return check_histories::<A>(&golden, histories);
            }
            golden
        }
        None if !bless => return Err(format!("there is no golden file yet: run the test with {BLESS}=1 to write it")),
        None => GoldenFile::default(),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, file::text_of::<A>(&golden, histories)?));
    written.map_err(|error| format!("it cannot be written: {error}"))
}

/// Compares what the file's own histories fold to now with what they did.
fn check_against<A: Aggregate + Debug>(golden: &GoldenFile, bless: bool) -> Result<(), String> {
    if golden.aggregate != A::NAME {
        return Err(format!("it is of aggregate {}, not of {}", golden.aggregate, A::NAME));
    }
    let meaning = Meaning::of::<A>();
    for (number, history) in (1..).zip(&golden.histories) {
        let folded = history.fold::<A>().map_err(|problem| {
            format!(
                "history {number}: {problem}\nStores hold events like this one: go on reading them. If none does, delete \
                 the file and run the test with {BLESS}=1"
            )
        })?;
        if folded == history.state {
            continue;
        }
        let difference = Difference::of_lines(&history.state, &folded);
        let changed = format!("history {number} folds to another state (- before, + now):\n{difference}");
        match &golden.meaning {
            Some(before) if meaning.as_ref() == Some(before) => {
                return Err(format!(
                    "{changed}Snapshots of version {version} hold the old state and would go on being used: raise the \
                     version, `snapshot(version = {next}, ..)`, then run the test with {BLESS}=1.\nIf only the way in which \
                     the state is written has changed, delete the file and run the test with {BLESS}=1",
                    version = before.version,
                    next = before.version.saturating_add(1),
                ));
            }
            _ if bless => {}
            _ => return Err(format!("{changed}If this is meant, run the test with {BLESS}=1")),
        }
    }
    if meaning != golden.meaning && !bless {
        let told = |meaning: &Option<Meaning>| meaning.as_ref().map_or("no snapshots".to_owned(), Meaning::to_string);
        let (before, now) = (told(&golden.meaning), told(&meaning));
        return Err(format!("it was written with {before}; the code has {now}: run the test with {BLESS}=1"));
    }
    Ok(())
}

/// Compares what the file's snapshots are read as, by the steps from older versions, with what its histories fold to.
fn check_snapshots<A: Aggregate + Debug>(golden: &GoldenFile) -> Result<(), String> {
    let Some(today) = A::snapshots() else { return Ok(()) };
    for (number, history) in (1..).zip(&golden.histories) {
        for (version, payload) in &history.snapshots {
            let past = today.past.iter().find(|past| past.version == *version);
            let read = match past {
                Some(past) => (past.decode)(payload).map_err(|error| error.to_string()),
                // A snapshot of another version is not used.
                None => continue,
            };
            let told =
                format!("the snapshot of version {version} of history {number}, brought to version {}", today.version);
            let read = read.map_err(|error| format!("{told}, cannot be read: {error}"))?;
            let (folded, read) = (history.fold::<A>()?, file::text(&read));
            if folded != read {
                let difference = Difference::of_lines(&folded, &read);
                return Err(format!("{told}, is not its fold (- fold, + snapshot): correct the steps\n{difference}"));
            }
        }
    }
    Ok(())
}

fn check_histories<A>(golden: &GoldenFile, histories: &[Vec<A::Event>]) -> Result<(), String>
where
    A: Aggregate,
    A::Event: Event + Debug + PartialEq,
{
    let stored: Result<Vec<Vec<A::Event>>, String> = golden.histories.iter().map(file::History::events).collect();
    let stored = stored?;
    if stored == histories {
        return Ok(());
    }
    let difference = Difference::between(stored.as_slice(), histories);
    Err(format!("the test gives other histories (- file, + test):\n{difference}Run the test with {BLESS}=1"))
}
