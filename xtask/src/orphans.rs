//! Whether every file of tests is part of a program: one that no program names is not compiled, and nobody misses it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use syn::{Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::{
    Outcome,
    failure::Failure,
    workspace::{Package, Workspace},
};

const RULE: &str = "files of tests that no test program has as a module (it is named `mod ..;` in `tests/all.rs`, or is a \
                    `[[test]]` of its own in the manifest)";

/// The sources of programs that must not compile: other tests read them.
const UNCOMPILED: &str = "ui";

/// Fails on files below the folder `tests` of a package that none of its test programs has.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome, Failure> {
    let sources: Vec<_> = workspace.sources()?.into_iter().map(|source| workspace.root().join(source)).collect();
    let mut findings = Vec::new();
    let mut looked_at = 0;
    for package in workspace.packages()? {
        let tests = package.folder().join("tests");
        // The package that is itself called `tests` has its tests in `tests/tests`.
        let own = sources.iter().filter(|source| source.starts_with(&tests));
        let own: Vec<_> = own.filter(|source| !source.starts_with(tests.join(UNCOMPILED))).collect();
        let compiled = compiled(&package)?;
        looked_at += own.len();
        findings
            .extend(own.into_iter().filter(|source| !compiled.contains(*source)).map(|path| shown(workspace, path)));
    }
    println!("{looked_at} files looked at");
    Failure::unless_none(RULE, findings).map(|()| Outcome::Done)
}

fn shown(workspace: &Workspace, path: &Path) -> String {
    path.strip_prefix(workspace.root()).unwrap_or(path).display().to_string()
}

/// The files of the test programs of a package.
fn compiled(package: &Package) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut compiled = BTreeSet::new();
    // Each file with the folder in which its modules are.
    let mut next: Vec<_> = package.test_programs().map(|path| (path.to_owned(), parent(path).to_owned())).collect();
    while let Some((path, folder)) = next.pop() {
        if !compiled.insert(path.clone()) {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|source| Failure::Read { path: path.clone(), source })?;
        let file = syn::parse_file(&text).map_err(|source| Failure::Syntax { path: path.clone(), source })?;
        let modules = file.items.iter().filter_map(|item| match item {
            Item::Mod(module) if module.content.is_none() => Some(module),
            _ => None,
        });
        next.extend(modules.filter_map(|module| place(module, &path, &folder)));
    }
    Ok(compiled)
}

/// The file of a module, and the folder in which its own modules are; `None` if there is no such file.
fn place(module: &ItemMod, file: &Path, folder: &Path) -> Option<(PathBuf, PathBuf)> {
    if let Some(path) = path_attribute(module) {
        let path = parent(file).join(path);
        let folder = parent(&path).to_owned();
        return Some((path, folder));
    }
    let name = module.ident.to_string();
    let below = folder.join(&name);
    let files = [folder.join(format!("{name}.rs")), below.join("mod.rs")];
    files.into_iter().find(|file| file.exists()).map(|file| (file, below))
}

/// What `#[path = ".."]` says.
fn path_attribute(module: &ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_of_tests_belongs_to_a_program() {
        let workspace = Workspace::of_this_tool().unwrap();
        assert_eq!(check(&workspace).map_err(|failure| failure.to_string()), Ok(Outcome::Done));
    }

    #[test]
    fn modules_are_found_where_rustc_looks_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let root =
            file("tests/all.rs", "mod one;\nmod two;\n#[path = \"elsewhere/three.rs\"]\nmod three;\nmod inline {}\n");
        let found = [
            root.clone(),
            file("tests/one.rs", "mod below;"),
            file("tests/one/below.rs", ""),
            file("tests/two/mod.rs", "mod below;"),
            file("tests/two/below.rs", ""),
            file("tests/elsewhere/three.rs", "mod beside;"),
            file("tests/elsewhere/beside.rs", ""),
        ];
        file("tests/below.rs", "");
        file("tests/forgotten.rs", "");
        let package = Package::with_test_program(root);
        assert_eq!(compiled(&package).unwrap(), BTreeSet::from(found));
    }
}
