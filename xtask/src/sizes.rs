//! How long a file and a function may be.

use std::path::Path;

use syn::{
    Attribute, ImplItemFn, ItemFn, ItemMod, Signature, TraitItemFn,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{Outcome, failure::Failure, workspace::Workspace};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const RULE: &str = "files have at most 600 lines, functions outside of tests at most 70";

/// Fails on files and functions that are too long.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome, Failure> {
    let sources = workspace.sources()?;
    let mut findings = Vec::new();
    for path in &sources {
        let text = workspace.read(path)?;
        findings.extend(long_file(path, &text));
        if !is_test(workspace, path) {
            let found = long_functions(path, &text);
            findings.extend(found.map_err(|source| Failure::Syntax { path: path.clone(), source })?);
        }
    }
    println!("{} files looked at", sources.len());
    Failure::unless_none(RULE, findings).map(|()| Outcome::Done)
}

/// Whether a file belongs to a package's integration tests: below the folder `tests` beside a manifest.
fn is_test(workspace: &Workspace, path: &Path) -> bool {
    let folders = path.ancestors().skip(1);
    folders
        .filter(|folder| folder.ends_with("tests"))
        .filter_map(Path::parent)
        .any(|parent| !parent.as_os_str().is_empty() && workspace.root().join(parent).join("Cargo.toml").exists())
}

fn long_file(path: &Path, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
}

fn long_functions(path: &Path, text: &str) -> syn::Result<Vec<String>> {
    let mut functions = LongFunctions { path, found: Vec::new() };
    functions.visit_file(&syn::parse_file(text)?);
    Ok(functions.found)
}

/// Collects the functions that are too long, from the line of their name to that of their last brace, tests aside.
struct LongFunctions<'a> {
    path: &'a Path,
    found: Vec<String>,
}

impl LongFunctions<'_> {
    fn measure(&mut self, signature: &Signature, body: &impl Spanned) {
        let first = signature.span().start().line;
        let lines = body.span().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            self.found.push(format!("{}:{first}: fn {}: {lines} lines", self.path.display(), signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !is_for_tests(&function.attrs) {
            self.measure(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            self.measure(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Whether there is a `#[cfg(test)]`, `#[test]`, `#[tokio::test]` or the like.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.segments.last().is_some_and(|last| last.ident == "test")
            || (path.is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|cfg| cfg.is_ident("test")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    call();\n".repeat(lines - 2))
    }

    fn found(text: &str) -> Vec<String> {
        long_functions(Path::new("some.rs"), text).unwrap()
    }

    #[test]
    fn files_and_functions_of_the_workspace_are_short() {
        let workspace = Workspace::of_this_tool().unwrap();
        assert_eq!(check(&workspace).map_err(|failure| failure.to_string()), Ok(Outcome::Done));
    }

    #[test]
    fn a_function_of_more_than_70_lines_is_reported_with_its_place() {
        assert_eq!(found(&function(70)), Vec::<String>::new());
        assert_eq!(found(&format!("\n/// Doc.\n#[inline]\n{}", function(71))), ["some.rs:4: fn long: 71 lines"]);
    }

    #[test]
    fn methods_defaults_and_nested_functions_are_measured() {
        for around in ["impl Some {", "trait Some {", "mod some {", "fn short() {", "impl Some for Other {"] {
            let text = format!("{around}\n{}}}\n", function(71));
            assert!(found(&text).contains(&"some.rs:2: fn long: 71 lines".to_owned()), "{around}");
        }
    }

    #[test]
    fn tests_may_be_long() {
        for attribute in ["#[test]", "#[tokio::test]", "#[cfg(test)]"] {
            assert!(found(&format!("{attribute}\n{}", function(200))).is_empty(), "{attribute}");
        }
        assert!(found(&format!("#[cfg(test)]\nmod tests {{\n{}}}", function(200))).is_empty());
        assert_eq!(found(&format!("#[cfg(unix)]\n{}", function(71))).len(), 1);
    }

    #[test]
    fn a_file_of_more_than_600_lines_is_reported() {
        assert_eq!(long_file(Path::new("some.rs"), &"\n".repeat(600)), None);
        assert_eq!(long_file(Path::new("some.rs"), &"\n".repeat(601)), Some("some.rs: 601 lines".to_owned()));
    }

    #[test]
    fn only_the_tests_of_a_package_count_as_tests() {
        let workspace = Workspace::of_this_tool().unwrap();
        assert!(is_test(&workspace, Path::new("core/tests/some.rs")));
        assert!(is_test(&workspace, Path::new("core/tests/ui/some.rs")));
        assert!(!is_test(&workspace, Path::new("tests/src/some.rs")));
        assert!(!is_test(&workspace, Path::new("core/src/tests/some.rs")));
    }
}
