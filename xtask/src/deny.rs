//! Licences, sources and known faults of everything that annals depends on.

use crate::{Outcome, failure::Failure, workspace::Workspace};

/// Checks licences, bans and sources; advisories too where their database can be reached.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome, Failure> {
    for folder in ["Cargo.toml", "bench/Cargo.toml"] {
        let deny = ["deny", "--manifest-path", folder, "check", "--config", "deny.toml"];
        workspace.cargo(&deny).argument("licenses").argument("bans").argument("sources").run()?;
    }
    if !workspace.cargo(&["deny", "fetch", "--config", "deny.toml", "db"]).status()?.success() {
        let why = "the database of advisories cannot be reached: NO ADVISORY WAS CHECKED (all else was)";
        return Ok(Outcome::Skipped { why: why.to_owned() });
    }
    workspace.cargo(&["deny", "check", "--config", "deny.toml", "--disable-fetch", "advisories"]).run()?;
    Ok(Outcome::Done)
}
