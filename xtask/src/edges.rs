//! Which crate may depend on which.

use crate::{Outcome, failure::Failure, workspace::Workspace};

const RULE: &str = "crates depend on crates that they may not depend on (see ARCHITECTURE.md)";

/// Where a crate of the workspace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Core,
    Macros,
    Store,
    Projections,
    Sagas,
    Facade,
    Conformance,
    Cli,
    Example,
    Tool,
}

impl Layer {
    fn of(package: &str) -> Option<Self> {
        Some(match package {
            "annals" => Self::Facade,
            "annals-core" => Self::Core,
            "annals-macros" => Self::Macros,
            "annals-projections" => Self::Projections,
            "annals-sagas" => Self::Sagas,
            "annals-conformance" => Self::Conformance,
            "annals-cli" => Self::Cli,
            "banking" | "order" => Self::Example,
            "xtask" => Self::Tool,
            store if store.starts_with("annals-store-") => Self::Store,
            _ => return None,
        })
    }

    /// What it may depend on for more than its tests.
    fn allowed(self) -> &'static [Self] {
        match self {
            Self::Core | Self::Macros | Self::Tool => &[],
            Self::Store | Self::Projections | Self::Conformance => &[Self::Core],
            Self::Sagas => &[Self::Core, Self::Projections],
            Self::Facade => &[Self::Core, Self::Macros, Self::Store, Self::Projections, Self::Sagas],
            Self::Cli => &[Self::Core, Self::Store],
            Self::Example => &[Self::Facade],
        }
    }
}

/// What is wrong with `from` depending on `to`, both packages of the workspace.
fn forbidden(from: &str, to: &str, is_for_tests: bool) -> Option<String> {
    let Some((source, target)) = Layer::of(from).zip(Layer::of(to)) else {
        return Some(format!("{from} -> {to}: one of them has no layer yet: give it one in xtask/src/edges.rs"));
    };
    if matches!(target, Layer::Cli | Layer::Example | Layer::Tool) {
        return Some(format!("{from} -> {to}: nothing may depend on {target:?}"));
    }
    let is_allowed = is_for_tests || source.allowed().contains(&target);
    (!is_allowed).then(|| format!("{from} -> {to}: {source:?} may depend on {:?} alone", source.allowed()))
}

/// Reads the manifests and fails on a forbidden edge.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome, Failure> {
    let packages = workspace.packages()?;
    let mut findings = Vec::new();
    for package in &packages {
        let own = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        findings.extend(own.filter_map(|dependency| {
            let is_for_tests = dependency.kind.as_deref() == Some("dev");
            forbidden(&package.name, &dependency.name, is_for_tests)
        }));
    }
    println!("{} crates looked at", packages.len());
    Failure::unless_none(RULE, findings).map(|()| Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_workspace_depend_only_where_they_may() {
        let workspace = Workspace::of_this_tool().unwrap();
        assert_eq!(check(&workspace).map_err(|failure| failure.to_string()), Ok(Outcome::Done));
    }

    #[test]
    fn a_store_may_depend_on_core_only() {
        assert_eq!(forbidden("annals-store-sled", "annals-core", false), None);
        for to in ["annals", "annals-macros", "annals-conformance", "annals-store-postgres", "annals-projections"] {
            assert!(forbidden("annals-store-sled", to, false).is_some(), "{to}");
        }
    }

    #[test]
    fn core_and_macros_depend_on_no_crate_of_the_workspace() {
        for from in ["annals-core", "annals-macros"] {
            for to in ["annals", "annals-core", "annals-macros", "annals-store-sled"] {
                assert!(forbidden(from, to, false).is_some(), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn consumers_know_no_store() {
        assert!(forbidden("annals-projections", "annals-store-sled", false).is_some());
        assert!(forbidden("annals-sagas", "annals-store-sled", false).is_some());
        assert!(forbidden("annals-projections", "annals-sagas", false).is_some());
        assert_eq!(forbidden("annals-sagas", "annals-projections", false), None);
    }

    #[test]
    fn the_command_line_looks_after_stores_without_the_facade() {
        assert_eq!(forbidden("annals-cli", "annals-store-sled", false), None);
        assert!(forbidden("annals-cli", "annals", false).is_some());
        assert!(forbidden("annals", "annals-cli", true).is_some());
    }

    #[test]
    fn tests_may_use_everything_but_examples_and_tools() {
        assert_eq!(forbidden("annals-store-sled", "annals-conformance", true), None);
        assert_eq!(forbidden("annals-macros", "annals-core", true), None);
        assert!(forbidden("annals", "banking", true).is_some());
        assert!(forbidden("annals", "xtask", true).is_some());
    }

    #[test]
    fn a_crate_without_a_layer_is_reported() {
        assert!(forbidden("annals-new", "annals-core", false).is_some());
        assert!(forbidden("annals", "annals-new", true).is_some());
    }
}
