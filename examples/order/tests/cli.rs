//! The command line, as a person meets it.

use std::{path::Path, process::Command};

use crate::dying::killed_at;

struct Answer {
    is_good: bool,
    out: String,
    err: String,
}

/// Runs the program in `folder`.
fn order(folder: &Path, arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_order")).current_dir(folder).args(arguments).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let err = err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    Answer { is_good: output.status.success(), out, err }
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let answer = order(folder, arguments);
    assert!(answer.is_good, "{arguments:?}: {}{}", answer.out, answer.err);
    answer.out
}

#[test]
fn a_season_is_told_and_its_sagas_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let season = good(folder.path(), &["--orders", "20"]);
    assert!(season.contains("Checked: nothing was oversold"), "{season}");
    // The same again: everything was done already.
    let again = good(folder.path(), &["--orders", "20"]);
    let figures = |out: &str| out.split_once("\n\n").map(|(_, figures)| figures.to_owned());
    assert_eq!(figures(&again), figures(&season));
    assert!(good(folder.path(), &["verify"]).contains("nothing is left to do"));
    let sagas = good(folder.path(), &["sagas"]);
    for saga in ["fulfilment", "collection", "replenishment", "parcels", "returns", "shopper"] {
        assert!(sagas.contains(saga), "{sagas}");
    }
    assert!(sagas.ends_with("healthy\n"), "{sagas}");
    let timeline = good(folder.path(), &["sagas", "timeline", "fulfilment", "o-00000"]);
    assert!(timeline.contains("order.placed") && timeline.contains("confirm to order o-00000"), "{timeline}");
    assert!(good(folder.path(), &["sagas", "instances", "fulfilment"]).contains("o-00019"));
    assert!(good(folder.path(), &["sagas", "picture", "collection"]).starts_with("flowchart"));
    good(folder.path(), &["sagas", "timers", "collection"]);
}

#[test]
fn an_order_that_is_under_way_can_be_ended_and_the_books_are_right() {
    let folder = tempfile::tempdir().unwrap();
    killed_at(&folder.path().join("shop.annals"), "20", 100_000);
    let instances = good(folder.path(), &["sagas", "instances", "fulfilment", "--running"]);
    let running = instances.split_whitespace().find(|word| word.starts_with("o-")).unwrap();
    let cancel = ["sagas", "cancel", "fulfilment", running, "--reason", "lost in a flood", "--compensate"];
    let timeline = good(folder.path(), &cancel);
    assert!(timeline.contains("ended by an operator: lost in a flood"), "{timeline}");
    let season = good(folder.path(), &["--orders", "20"]);
    assert!(season.contains("cancelled: Shop") && season.contains("Checked: nothing was oversold"), "{season}");
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], reason: &str| {
        let answer = order(folder.path(), arguments);
        assert!(!answer.is_good, "{arguments:?}: {}", answer.out);
        assert!(answer.err.contains(reason), "{arguments:?}: {}", answer.err);
        assert!(!answer.err.contains("panicked"), "{}", answer.err);
    };
    refused(&["verify"], "the run without a command begins one");
    refused(&["replay-log", "nowhere"], "cannot be opened");
    refused(&["replay-log", "."], "name the folder that holds ocel_order_simulated.csv");
    refused(&["--orders", "0"], "0 is not in 1..=100000");
    good(folder.path(), &["--orders", "3"]);
    refused(&["sagas", "timeline", "fulfilment", "o-7"], "saga fulfilment has no instance o-7");
    refused(
        &["sagas", "instances", "nobody"],
        "these run: collection, replenishment, parcels, returns, fulfilment, shopper",
    );
    refused(&["sagas", "retry", "fulfilment", "o-00000"], "nothing of saga fulfilment waits for instance o-00000");
}
