//! The user's guide, `docs/guide`: the programs of its pages are compiled and run, one item a page, so that a failure
//! names the page.

/// Names the pages, each as an item for rustdoc and together for the tests below.
macro_rules! pages {
    ($($page:ident = $file:literal,)+) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../docs/guide/src/", $file))]
            struct $page;
        )+

        #[cfg(test)]
        const PAGES: &[&str] = &[$($file),+];
    };
}

pages! {
    Introduction = "introduction.md",
    FirstAggregate = "first-aggregate.md",
    Idempotency = "idempotency.md",
    Together = "together.md",
    Boundaries = "boundaries.md",
    UniqueNames = "unique-names.md",
    Preparing = "preparing.md",
    Interceptors = "interceptors.md",
    Metadata = "metadata.md",
    Projections = "projections.md",
    ReadModels = "read-models.md",
    ProjectionsAtWork = "projections-at-work.md",
    Rebuilding = "rebuilding.md",
    Sagas = "sagas.md",
    ChangingEvents = "changing-events.md",
    EventsElsewhere = "events-elsewhere.md",
    EventForms = "event-forms.md",
    LockingWhatIsStored = "locking-what-is-stored.md",
    Snapshots = "snapshots.md",
    LookingBack = "looking-back.md",
    Testing = "testing.md",
    LawsAndFaults = "laws-and-faults.md",
    Errors = "errors.md",
    LookingAfterAStore = "looking-after-a-store.md",
    CopyingAStore = "copying-a-store.md",
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::PAGES;

    const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/src");
    const SUMMARY: &str = include_str!("../../docs/guide/src/SUMMARY.md");
    const ACCOUNT: &str = include_str!("../../docs/guide/src/account.rs");
    const PAST: &str = include_str!("../../docs/guide/src/past.rs");

    fn page(file: &str) -> String {
        fs::read_to_string(Path::new(SOURCES).join(file)).unwrap()
    }

    /// The files that a page links to.
    fn links(page: &str) -> impl Iterator<Item = &str> {
        let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.filter_map(|target| target.split('#').next());
        files.filter(|file| !file.is_empty() && !file.contains("://"))
    }

    #[test]
    fn the_summary_lists_the_pages_that_are_run_and_no_others() {
        assert_eq!(links(SUMMARY).collect::<Vec<_>>(), PAGES);
        let files = fs::read_dir(SOURCES).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.filter(|file| file.ends_with(".md") && file != "SUMMARY.md").collect();
        let mut pages = PAGES.to_vec();
        files.sort();
        pages.sort_unstable();
        assert_eq!(files, pages);
    }

    #[test]
    fn what_pages_link_to_exists() {
        for file in PAGES {
            for target in links(&page(file)) {
                assert!(Path::new(SOURCES).join(target).exists(), "{file} links to {target}");
            }
        }
    }

    #[test]
    fn what_pages_include_is_shown_on_a_page() {
        assert!(
            page("first-aggregate.md").contains(ACCOUNT),
            "first-aggregate.md shows another account than account.rs"
        );
        assert!(page("changing-events.md").contains(PAST), "changing-events.md shows other functions than past.rs");
    }

    /// The messages of the compiler, from the tests of the derives.
    fn messages() -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../macros/tests/ui");
        let files = ["past", "rustc"].into_iter().flat_map(|part| fs::read_dir(folder.join(part)).unwrap());
        let files = files.map(|entry| entry.unwrap().path());
        let texts = files.filter(|file| file.extension().is_some_and(|kind| kind == "stderr"));
        texts.map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    #[test]
    fn the_messages_that_are_quoted_are_those_of_the_compiler() {
        let (page, messages) = (page("event-forms.md"), messages());
        let section =
            page.split("| message | what is wrong |").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
        let cells: Vec<_> = section.lines().filter_map(|row| row.split(" | ").next()?.strip_prefix("| `")).collect();
        assert!(cells.len() > 10, "{cells:?}");
        // A cell quotes one message or two, each in its backquotes, with `..` for what differs.
        let quotes = cells.iter().flat_map(|cell| cell.trim_matches(['`', ' ']).split("`, `"));
        for part in quotes.flat_map(|quote| quote.split("..")) {
            assert!(messages.contains(part.trim()), "no message of the compiler has {part:?}");
        }
    }

    /// The variants of an enum, from its source.
    fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
        let body =
            source.split(&format!("pub enum {name} {{")).nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
        let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
        let begins = lines.filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
        begins.map(|line| line.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap()).collect()
    }

    #[test]
    fn no_error_is_missing_from_the_page_of_errors() {
        let page = page("errors.md");
        let listed = |title: &str| {
            let section = page.split(title).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
            let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
            rows.map(str::to_owned).collect::<Vec<_>>()
        };
        let execute = variants(include_str!("../../core/src/execute/error.rs"), "ExecuteError<E>");
        assert!(execute.len() > 10, "{execute:?}");
        assert_eq!(listed("## `ExecuteError`"), execute);
        assert_eq!(listed("## `LoadError`"), variants(include_str!("../../core/src/load.rs"), "LoadError"));
        let decode = include_str!("../../core/src/decode.rs");
        assert_eq!(listed("## `DecodeProblem`"), variants(decode, "DecodeProblem"));
    }
}
