//! The tasks that run cargo.

use std::{env, path::Path};

use crate::{Outcome, command::Run, failure::Failure, workspace::Workspace};

/// What shapes are exported to, and what they are held against, comes with features alone, which only add to the rest.
const FEATURES: [&str; 2] = ["--features", "annals-core/avro,annals-core/json-schema"];

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
    FEATURES.iter().fold(workspace.cargo(&["test", "--workspace"]), Run::argument).run()?;
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

/// The second run of each finds everything done already, and the stores are whole.
pub(crate) fn example(workspace: &Workspace) -> Result<Outcome, Failure> {
    let folder = tempfile::tempdir().map_err(Failure::Temporary)?;
    for (package, arguments) in [("banking", &[][..]), ("order", &["--orders", "300"][..])] {
        let store = folder.path().join(package);
        for _ in 0..2 {
            let start = arguments.iter().fold(app(workspace, package), Run::argument);
            start.argument("--store").argument(&store).run()?;
        }
        verify(workspace, &store)?;
    }
    Ok(Outcome::Done)
}

/// The real inputs of the examples: the package, its command, and the folder below that of all data.
const INPUTS: [(&str, &str, &str); 3] =
    [("banking", "import", "berka"), ("order", "import", "online_retail"), ("order", "replay-log", "order_log")];

/// The folder is named by an environment variable: the data is not part of the repository.
pub(crate) fn import(workspace: &Workspace) -> Result<Outcome, Failure> {
    let Some(data) = env::var_os("ANNALS_DATA") else {
        let why = "ANNALS_DATA is not set: NOTHING WAS IMPORTED (set it to the folder that holds berka/, online_retail/ and \
                   order_log/)";
        return Ok(Outcome::Skipped { why: why.to_owned() });
    };
    let temporary = tempfile::tempdir().map_err(Failure::Temporary)?;
    for (package, command, input) in INPUTS {
        let (store, folder) = (temporary.path().join(input), Path::new(&data).join(input));
        let start = app(workspace, package).argument(command).argument(&folder);
        start.argument("--store").argument(&store).run()?;
        verify(workspace, &store)?;
    }
    Ok(Outcome::Done)
}

/// A program of the workspace, built as its tests are: nothing is built twice.
fn app(workspace: &Workspace, program: &str) -> Run {
    let run = FEATURES.iter().fold(workspace.cargo(&["run", "--bin", program]), Run::argument);
    run.argument("--")
}

/// Every byte of the log, and the index.
fn verify(workspace: &Workspace, store: &Path) -> Result<(), Failure> {
    app(workspace, "annals").argument("verify").argument("--deep").argument(store).run()
}

/// It is built and its tests are run; what it measures depends on the machine, so that nothing is measured here.
pub(crate) fn bench(workspace: &Workspace) -> Result<Outcome, Failure> {
    let manifest = ["--locked", "--manifest-path", "bench/Cargo.toml"];
    let clippy = manifest.iter().fold(workspace.cargo(&["clippy", "--no-deps", "--all-targets"]), Run::argument);
    ["--", "-D", "warnings"].iter().fold(clippy, Run::argument).run()?;
    manifest.iter().fold(workspace.cargo(&["test"]), Run::argument).run()?;
    Ok(Outcome::Done)
}
