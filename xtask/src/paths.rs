//! Whether the paths that ARCHITECTURE.md names exist.

use std::path::Path;

use crate::{Outcome, failure::Failure, workspace::Workspace};

const PAGE: &str = "ARCHITECTURE.md";
const RULE: &str = "ARCHITECTURE.md names paths that do not exist (a path is a word in backticks, a link's target, or the \
                    first word of an unindented line in a fence, with a slash or a known extension)";
const EXTENSIONS: [&str; 5] = ["rs", "md", "toml", "yml", "lock"];

/// Fails on paths that ARCHITECTURE.md names and that do not exist.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome, Failure> {
    let page = workspace.read(Path::new(PAGE))?;
    let named = named(&page);
    println!("{} paths looked at", named.len());
    let missing = named.into_iter().filter(|(_, path)| !workspace.root().join(path).exists());
    let findings = missing.map(|(line, path)| format!("{PAGE}:{line}: {path}")).collect();
    Failure::unless_none(RULE, findings).map(|()| Outcome::Done)
}

/// The paths that a page names, each with its line.
fn named(page: &str) -> Vec<(usize, &str)> {
    let mut is_fenced = false;
    let mut paths = Vec::new();
    for (line, text) in page.lines().enumerate() {
        if text.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        let words: Vec<_> = if is_fenced {
            text.split(' ').take(1).collect()
        } else {
            in_backticks(text).chain(targets(text)).collect()
        };
        paths.extend(words.into_iter().filter(|word| is_path(word)).map(|word| (line + 1, word)));
    }
    paths
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The targets of links, without the part behind `#`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    behind.filter_map(|target| target.split('#').next())
}

/// Whether a word can only be meant as a path of the repository.
fn is_path(word: &str) -> bool {
    let has_extension = EXTENSIONS.iter().any(|extension| {
        word.strip_suffix(extension).is_some_and(|stem| stem.strip_suffix('.').is_some_and(|stem| !stem.is_empty()))
    });
    let is_plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
    is_plain && !word.starts_with(['/', '-']) && (has_extension || (word.contains('/') && word != "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(page: &str) -> Vec<&str> {
        named(page).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn every_path_of_the_architecture_page_exists() {
        let workspace = Workspace::of_this_tool().unwrap();
        assert_eq!(check(&workspace).map_err(|failure| failure.to_string()), Ok(Outcome::Done));
    }

    #[test]
    fn paths_are_found_in_backticks_links_and_fences() {
        assert_eq!(paths("`core/src/store.rs` and `deny.toml`"), ["core/src/store.rs", "deny.toml"]);
        assert_eq!(paths("see [the format](store-sled/FORMAT.md#frames)"), ["store-sled/FORMAT.md"]);
        assert_eq!(paths("```text\ncore/  the contracts\n       and/or more\n```\nxtask/ is text"), ["core/"]);
        assert_eq!(named("\n\n`core/src`"), [(3, "core/src")]);
    }

    #[test]
    fn other_words_are_no_paths() {
        for word in ["Store", "Annals::builder", "A / B", "https://docs.rs/x", "#[on(..)]", "cargo xtask ci", "..", "/"]
        {
            assert_eq!(paths(&format!("`{word}`")), Vec::<&str>::new(), "{word}");
        }
    }
}
