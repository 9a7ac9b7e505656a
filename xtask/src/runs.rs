//! The tasks that run cargo.

use std::{env, ffi::OsStr, path::Path};

use crate::{Outcome, command::Run, failure::Failure, workspace::Workspace};

/// The manifest of the store under a scheduler.
pub(crate) const SCHEDULES: &str = "schedules/Cargo.toml";

pub(crate) fn fmt(workspace: &Workspace) -> Result<Outcome, Failure> {
    workspace.cargo(&["fmt", "--all", "--check"]).run()?;
    for manifest in ["bench/Cargo.toml", SCHEDULES] {
        workspace.cargo(&["fmt", "--manifest-path", manifest, "--check"]).run()?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn lint(workspace: &Workspace) -> Result<Outcome, Failure> {
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    workspace.cargo(&clippy).run()?;
    Ok(Outcome::Done)
}

pub(crate) fn test(workspace: &Workspace) -> Result<Outcome, Failure> {
    // What shapes are exported to, and what they are held against, comes with features alone, which only add to the rest.
    workspace.cargo(&["test", "--workspace", "--features", "annals-core/avro,annals-core/json-schema"]).run()?;
    Ok(Outcome::Done)
}

pub(crate) fn schedules(workspace: &Workspace) -> Result<Outcome, Failure> {
    let manifest = ["--locked", "--manifest-path", SCHEDULES];
    let clippy = manifest.iter().fold(workspace.cargo(&["clippy", "--no-deps", "--all-targets"]), Run::argument);
    ["--", "-D", "warnings"].iter().fold(clippy, Run::argument).run()?;
    manifest.iter().fold(workspace.cargo(&["test"]), Run::argument).run()?;
    Ok(Outcome::Done)
}

pub(crate) fn docs(workspace: &Workspace) -> Result<Outcome, Failure> {
    let docs = ["doc", "--locked", "--workspace", "--all-features", "--no-deps"];
    workspace.cargo(&docs).environment("RUSTDOCFLAGS", "-D warnings").run()?;
    Ok(Outcome::Done)
}

/// The second run finds everything done already, and its store is whole.
pub(crate) fn example(workspace: &Workspace) -> Result<Outcome, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::Temporary)?;
    let store = folder.path().join("bank.annals");
    for _ in 0..2 {
        banking(workspace, &[OsStr::new("--store"), store.as_os_str()])?;
    }
    verify(workspace, &store)?;
    Ok(Outcome::Done)
}

/// The folder is named by an environment variable: the data is not part of the repository.
pub(crate) fn import(workspace: &Workspace) -> Result<Outcome, Failure> {
    let Some(data) = env::var_os("ANNALS_DATA") else {
        let why = "ANNALS_DATA is not set: NOTHING WAS IMPORTED (set it to the folder that holds berka/)";
        return Ok(Outcome::Skipped { why: why.to_owned() });
    };
    let temporary = tempfile::tempdir().map_err(Failure::Temporary)?;
    let store = temporary.path().join("import.annals");
    let folder = Path::new(&data).join("berka");
    let arguments = [OsStr::new("import"), folder.as_os_str(), OsStr::new("--store"), store.as_os_str()];
    banking(workspace, &arguments)?;
    verify(workspace, &store)?;
    Ok(Outcome::Done)
}

fn banking(workspace: &Workspace, arguments: &[&OsStr]) -> Result<(), Failure> {
    let start = workspace.cargo(&["run", "--release", "-p", "banking", "--"]);
    arguments.iter().fold(start, Run::argument).run()
}

/// Every byte of the log, and the index.
fn verify(workspace: &Workspace, store: &Path) -> Result<(), Failure> {
    let start = workspace.cargo(&["run", "--release", "-p", "annals-cli", "--", "verify", "--deep"]);
    start.argument(store).run()
}

/// It is built and its tests are run; what it measures depends on the machine, so that nothing is measured here.
pub(crate) fn bench(workspace: &Workspace) -> Result<Outcome, Failure> {
    let manifest = ["--locked", "--manifest-path", "bench/Cargo.toml"];
    let clippy = manifest.iter().fold(workspace.cargo(&["clippy", "--no-deps", "--all-targets"]), Run::argument);
    ["--", "-D", "warnings"].iter().fold(clippy, Run::argument).run()?;
    manifest.iter().fold(workspace.cargo(&["test"]), Run::argument).run()?;
    Ok(Outcome::Done)
}
