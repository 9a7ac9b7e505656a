//! What is in the workspace: folders, packages and what they depend on, source files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{command::Run, failure::Failure};

/// The workspace that this tool belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A package of the workspace, as its manifest says.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

/// Something that is compiled from a package.
#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

impl Package {
    /// Where its manifest lies.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// The first file of each of its programs that test it from outside.
    pub(crate) fn test_programs(&self) -> impl Iterator<Item = &Path> {
        let programs = self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "test"));
        programs.map(|target| target.src_path.as_path())
    }

    #[cfg(test)]
    pub(crate) fn with_test_program(src_path: PathBuf) -> Self {
        let targets = vec![Target { kind: vec!["test".to_owned()], src_path }];
        Self { name: String::new(), dependencies: Vec::new(), manifest_path: PathBuf::new(), targets }
    }
}

/// A line of a manifest's dependencies.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for a normal dependency.
    pub(crate) kind: Option<String>,
    /// Where it lies, if it is not from a registry.
    pub(crate) path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

impl Workspace {
    /// The workspace whose `xtask` folder this tool was built from.
    pub(crate) fn of_this_tool() -> Result<Self, Failure> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest);
        let read = root.canonicalize().map_err(|source| Failure::Read { path: root.to_owned(), source });
        // The canonical form on Windows (`\\?\C:\..`) is one that not every program takes.
        Ok(Self { root: if cfg!(windows) { root.to_owned() } else { read? } })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `cargo` with these arguments, in the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Run {
        Run::cargo(&self.root, arguments)
    }

    /// All packages of the workspace.
    pub(crate) fn packages(&self) -> Result<Vec<Package>, Failure> {
        let answer = self.cargo(&["metadata", "--no-deps", "--format-version", "1"]).output()?;
        Ok(serde_json::from_slice::<Metadata>(&answer)?.packages)
    }

    /// All Rust files below the root, those of `bench` too, relative to the root, in order.
    pub(crate) fn sources(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut sources = Vec::new();
        self.collect(Path::new(""), &mut sources)?;
        sources.sort();
        Ok(sources)
    }

    fn collect(&self, folder: &Path, sources: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let path = self.root.join(folder);
        let failed = |source| Failure::Read { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let relative = folder.join(&name);
            // Links are not followed, or a loop of them would never end.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                self.collect(&relative, sources)?;
            } else if kind.is_file() && relative.extension().is_some_and(|extension| extension == "rs") {
                sources.push(relative);
            }
        }
        Ok(())
    }

    pub(crate) fn read(&self, relative: &Path) -> Result<String, Failure> {
        let path = self.root.join(relative);
        fs::read_to_string(&path).map_err(|source| Failure::Read { path, source })
    }
}
