//! Licences, sources and known faults of everything that annals depends on.

use crate::{Outcome, command::Run, failure::Failure, workspace::Workspace};

/// Checks licences, bans and sources; advisories too where their database can be reached.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome, Failure> {
    for manifest in ["Cargo.toml", "bench/Cargo.toml", "schedules/Cargo.toml"] {
        deny(workspace, manifest, &["licenses", "bans", "sources"]).run()?;
    }
    if !workspace.cargo(&["deny", "fetch", "--config", "deny.toml", "db"]).status()?.success() {
        let why = "the database of advisories cannot be reached: NO ADVISORY WAS CHECKED (all else was)";
        return Ok(Outcome::Skipped { why: why.to_owned() });
    }
    deny(workspace, "Cargo.toml", &["--disable-fetch", "advisories"]).run()?;
    Ok(Outcome::Done)
}

fn deny(workspace: &Workspace, manifest: &str, what: &[&str]) -> Run {
    // cargo-deny looks for a relative file beside the manifest, and goes on with its defaults if there is none.
    let config = workspace.root().join("deny.toml");
    let run = workspace.cargo(&["deny", "--locked", "--manifest-path", manifest, "check"]);
    what.iter().fold(run.argument("--config").argument(config), Run::argument)
}
