//! Planted: folds that changed, and everything else that a golden file can tell.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{Aggregate, testing::laws::golden::check};

use super::till::{Paid, paid};

/// The same till in several lives of its code.
macro_rules! life {
    (
        $life:ident $(: $field:ident)?, $fold:expr
        $(, version $version:literal, shape $shape:literal $(, times $factor:literal)?)?
    ) => {
        mod $life {
            use serde::{Deserialize, Serialize};

            #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
            pub(super) struct Till {
                pub(super) balance: u64,
                $(pub(super) $field: u64,)?
            }

            impl Till {
                #[allow(dead_code, clippy::needless_update, reason = "used by steps; some lives have more fields")]
                fn from_balance(balance: u64) -> Self {
                    Self { balance, ..Self::default() }
                }
            }

            super::super::till::till!(
                Till,
                $fold
                $(
                    , version $version, shape $shape, |till| crate::codec::encode("till", till)
                    $(, past super::multiplied!(Till, $factor))?
                )?
            );
        }
    };
}

life!(first, |till, amount| till.balance += amount, version 1, shape "balance: u64");
life!(doubled, |till, amount| till.balance += 2 * amount, version 1, shape "balance: u64");
life!(doubled_and_said, |till, amount| till.balance += 2 * amount, version 2, shape "balance: u64");
life!(only_said, |till, amount| till.balance += amount, version 2, shape "balance: u64");
life!(grown: count, |till, amount| { till.balance += amount; till.count += 1 }, version 1, shape "balance: u64, count: u64");
life!(stepped, |till, amount| till.balance += 2 * amount, version 2, shape "balance: u64", times 2);
life!(misstepped, |till, amount| till.balance += 2 * amount, version 2, shape "balance: u64", times 3);
life!(without, |till, amount| till.balance += amount);
life!(without_doubled, |till, amount| till.balance += 2 * amount);

/// A step from snapshots of version 1, whose balance is so many times less.
macro_rules! multiplied {
    ($till:ty, $factor:literal) => {
        crate::PastSnapshot {
            version: 1,
            shape: "balance: u64",
            decode: |bytes| {
                let till: $till = crate::codec::decode(bytes)?;
                Ok(<$till>::from_balance(till.balance * $factor))
            },
        }
    };
}
use multiplied;

struct Golden {
    _folder: TempDir,
    path: PathBuf,
}

impl Golden {
    /// The file as the first life of the code wrote it.
    fn of<A: Aggregate<Event = Paid> + std::fmt::Debug>() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let golden = Self { path: folder.path().join("golden").join("till.txt"), _folder: folder };
        golden.bless::<A>().unwrap();
        golden
    }

    fn look<A: Aggregate<Event = Paid> + std::fmt::Debug>(&self) -> Result<(), String> {
        check::<A>(&self.path, &histories(), false)
    }

    fn bless<A: Aggregate<Event = Paid> + std::fmt::Debug>(&self) -> Result<(), String> {
        check::<A>(&self.path, &histories(), true)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

fn histories() -> [Vec<Paid>; 2] {
    [vec![paid(100), paid(7)], vec![]]
}

#[test]
fn a_golden_file_is_written_when_asked_for() {
    let golden = Golden::of::<first::Till>();
    golden.look::<first::Till>().unwrap();
    let text = golden.text();
    let expected = "# Stored events and what they fold to. Written by a test; keep it with the code.\naggregate till\n\
                    snapshot version 1\nshape balance: u64\n\nhistory\n# In { amount: 100 }\n\
                    v1 81a6616d6f756e7464 paid.in\n# In { amount: 7 }\nv1 81a6616d6f756e7407 paid.in\n\
                    | Till {\n|     balance: 107,\n| }\ns1 81a762616c616e63656b\n\nhistory\n| Till {\n|     balance: 0,\n| }\ns1 81a762616c616e636500\n";
    assert_eq!(text, expected);
    golden.bless::<first::Till>().unwrap();
    assert_eq!(golden.text(), text);
    fs::write(&golden.path, text.replace('\n', "\r\n")).unwrap();
    golden.look::<first::Till>().unwrap();
    fs::remove_file(&golden.path).unwrap();
    let error = golden.look::<first::Till>().unwrap_err();
    assert_eq!(error, "there is no golden file yet: run the test with ANNALS_BLESS=1 to write it");
}

#[test]
fn a_fold_that_changed_without_a_new_snapshot_version_is_caught() {
    let golden = Golden::of::<first::Till>();
    let written = golden.text();
    for error in [golden.look::<doubled::Till>(), golden.bless::<doubled::Till>()].map(Result::unwrap_err) {
        assert!(error.starts_with("history 1 folds to another state (- before, + now):\n"), "{error}");
        assert!(error.contains("-     balance: 107,\n+     balance: 214,"), "{error}");
        assert!(error.contains("raise the version, `snapshot(version = 2, ..)`"), "{error}");
    }
    assert_eq!(golden.text(), written, "blessing hides nothing");
}

#[test]
fn a_new_snapshot_version_is_written_when_asked_for() {
    let golden = Golden::of::<first::Till>();
    let error = golden.look::<doubled_and_said::Till>().unwrap_err();
    assert!(error.contains("+     balance: 214,") && error.contains("If this is meant"), "{error}");
    golden.bless::<doubled_and_said::Till>().unwrap();
    golden.look::<doubled_and_said::Till>().unwrap();

    let golden = Golden::of::<first::Till>();
    let error = golden.look::<only_said::Till>().unwrap_err();
    assert!(error.contains("snapshot version 1 of `balance: u64`; the code has snapshot version 2"), "{error}");
    golden.bless::<only_said::Till>().unwrap();
    golden.look::<only_said::Till>().unwrap();
}

#[test]
fn snapshots_of_another_shape_are_not_used_so_the_version_may_stay() {
    let golden = Golden::of::<first::Till>();
    let error = golden.look::<grown::Till>().unwrap_err();
    assert!(error.contains("+     count: 2,") && error.contains("If this is meant"), "{error}");
    golden.bless::<grown::Till>().unwrap();
    golden.look::<grown::Till>().unwrap();
}

#[test]
fn snapshots_of_the_past_stay_in_the_file_and_are_held_against_the_fold() {
    let golden = Golden::of::<first::Till>();
    golden.bless::<stepped::Till>().unwrap();
    assert!(golden.text().contains("s1 81a762616c616e63656b\ns2 81a762616c616e6365ccd6\n"), "{}", golden.text());
    golden.look::<stepped::Till>().unwrap();
    golden.bless::<stepped::Till>().unwrap();
    golden.look::<stepped::Till>().unwrap();
    let written = golden.text();
    for error in [golden.look::<misstepped::Till>(), golden.bless::<misstepped::Till>()].map(Result::unwrap_err) {
        let told = "the snapshot of version 1 of history 1, brought to version 2, is not its fold (- fold, + snapshot)";
        assert!(error.starts_with(told), "{error}");
        assert!(error.contains("-     balance: 214,\n+     balance: 321,"), "{error}");
    }
    assert_eq!(golden.text(), written, "blessing hides nothing");
    golden.bless::<doubled_and_said::Till>().unwrap();
    assert!(!golden.text().contains("\ns1 "), "without a step it is not read again");
}

#[test]
fn without_snapshots_a_changed_fold_is_told_too() {
    let golden = Golden::of::<without::Till>();
    golden.look::<without::Till>().unwrap();
    let error = golden.look::<without_doubled::Till>().unwrap_err();
    assert!(error.contains("+     balance: 214,") && error.contains("If this is meant"), "{error}");
    golden.bless::<without_doubled::Till>().unwrap();
    golden.look::<without_doubled::Till>().unwrap();
}

#[test]
fn other_histories_are_told() {
    let golden = Golden::of::<first::Till>();
    let error = check::<first::Till>(&golden.path, &[vec![paid(100)]], false).unwrap_err();
    assert!(error.starts_with("the test gives other histories (- file, + test):\n"), "{error}");
    assert!(error.contains("-             amount: 7,"), "{error}");
}

#[test]
fn stored_events_that_no_longer_read_are_told() {
    let golden = Golden::of::<first::Till>();
    let written = golden.text();
    for (from, to, told) in [
        ("v1 81a6616d6f756e7464 paid.in", "v1 81a6616d6f756e7464 paid.out", "event paid.out of version 1 is of type"),
        ("v1 81a6616d6f756e7464", "v2 81a6616d6f756e7464", "event paid.in of version 2 is version 2 of paid.in"),
        ("v1 81a6616d6f756e7464", "v1 80", "event paid.in of version 1 has a payload"),
    ] {
        fs::write(&golden.path, written.replacen(from, to, 1)).unwrap();
        for error in [golden.look::<first::Till>(), golden.bless::<first::Till>()].map(Result::unwrap_err) {
            assert!(error.starts_with("history 1: an ") && error.contains(told), "{error}");
        }
    }
}

#[test]
fn a_file_that_is_no_golden_file_is_told() {
    let golden = Golden::of::<first::Till>();
    for (text, told) in [
        ("aggregate till\nhello", "line 2 is not understood: \"hello\""),
        ("aggregate till\nhistory\nv0 80 paid.in", "line 3 is not understood"),
        ("aggregate till\nhistory\nv1 8 paid.in", "line 3 is not understood"),
        ("| Till", "line 1 is not understood"),
        ("shape balance: u64", "line 1 is not understood"),
        ("aggregate gate", "it is of aggregate gate, not of till"),
    ] {
        fs::write(&golden.path, text).unwrap();
        let error = golden.look::<first::Till>().unwrap_err();
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn any_state_survives_the_file() {
    #[derive(Default, Clone)]
    struct Odd;
    impl std::fmt::Debug for Odd {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("# odd  \n\n| history\nhistory\n aggregate gate")
        }
    }
    super::till::till!(Odd, |_, _| ());
    let golden = Golden::of::<Odd>();
    golden.look::<Odd>().unwrap();
    assert!(golden.text().lines().all(|line| line == line.trim_end()));
}
