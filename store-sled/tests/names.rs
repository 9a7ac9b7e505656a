//! The file with the key of unique names (P1, P10, P14): without the right one no name is claimed or looked up, nothing is
//! made up in its place, and nothing else needs it.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
};

use annals_core::{Annals, Evolve, ExecuteError, Executed, HolderError, NameKeyError, NameRefusal, ReadError, at};
use annals_macros::{Aggregate, Event};
use annals_store_sled::{
    SledOptions, SledStore,
    faults::{Call, Observer},
};
use serde::{Deserialize, Serialize};

use crate::support::{
    faults::{Counter, Failure, Fault, Moment, folder},
    log,
    power_cut::Recorder,
    workload::Random,
};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "member")]
enum MemberEvent {
    Joined,
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "member", event = MemberEvent)]
struct Member;

impl Evolve<MemberEvent> for Member {
    fn evolve(&mut self, _: &MemberEvent) {}
}

type Outcome = Result<Executed<()>, ExecuteError<()>>;

async fn open(options: SledOptions) -> (Annals, SledStore) {
    let store = SledStore::open(options).unwrap();
    (Annals::over(store.clone()).open().await.unwrap(), store)
}

async fn join(annals: &Annals, member: &str) -> Outcome {
    let joining = annals.together(at::<Member>(member), |member| {
        member.emit(MemberEvent::Joined);
        Ok(())
    });
    joining.await
}

async fn claim(annals: &Annals, member: &str, email: &'static str) -> Outcome {
    let claiming = annals.together(at::<Member>(member), move |member| {
        member.emit(MemberEvent::Joined);
        member.claim("email", email);
        Ok(())
    });
    claiming.await
}

async fn holder(annals: &Annals, email: &str) -> Option<String> {
    annals.holder("email", email).await.unwrap().map(|stream| stream.to_string())
}

fn is_taken(outcome: Outcome) -> bool {
    matches!(outcome, Err(ExecuteError::Names { refusals }) if matches!(refusals[..], [NameRefusal::Taken { .. }]))
}

/// A store in which `a` holds a name; its key.
async fn claimed(path: &Path) -> Vec<u8> {
    let (annals, _) = open(SledOptions::new(path)).await;
    claim(&annals, "a", "ada").await.unwrap();
    annals.shut_down().await;
    fs::read(path.join("names.key")).unwrap()
}

/// What is wrong with the key, as a short word.
fn said(error: &NameKeyError) -> &'static str {
    match error {
        NameKeyError::Missing => "missing",
        NameKeyError::Wrong => "wrong",
        NameKeyError::Read(ReadError::Corrupt(corruption)) if corruption.file.ends_with("names.key") => "corrupt",
        other => panic!("{other:?}"),
    }
}

/// Everything that needs the key says the same of it, and changes nothing; what needs no key goes on.
async fn assert_refused(path: &Path, expected: &str) {
    let spoiled = fs::read(path.join("names.key")).ok();
    let (annals, store) = open(SledOptions::new(path)).await;
    let before = log(&store).await;
    for (member, email) in [("b", "ada"), ("b", "bob"), ("a", "ada")] {
        let error = claim(&annals, member, email).await.unwrap_err();
        assert!(!error.is_retryable());
        let ExecuteError::NameKey(error) = error else { panic!("{error:?}") };
        assert_eq!(said(&error), expected, "{error}");
        let Err(HolderError::Key(error)) = annals.holder("email", email).await else { panic!("{email} has a holder") };
        assert_eq!(said(&error), expected, "{error}");
    }
    let release = annals.together(at::<Member>("a"), |member| {
        member.release("email", "ada");
        Ok::<_, ()>(())
    });
    assert!(matches!(release.await, Err(ExecuteError::NameKey(error)) if said(&error) == expected));
    assert_eq!(log(&store).await, before, "nothing was written");
    assert_eq!(fs::read(path.join("names.key")).ok(), spoiled, "no key is made in its place");
    join(&annals, "c").await.unwrap();
    annals.shut_down().await;
}

/// The name is held as before, and another can be claimed, by a handle that has met the spoiled key too.
async fn assert_well(annals: &Annals) {
    assert_eq!(holder(annals, "ada").await.as_deref(), Some("member-a"));
    assert!(is_taken(claim(annals, "b", "ada").await));
    assert_eq!(holder(annals, "bob").await, None);
}

#[tokio::test]
async fn a_missing_damaged_or_foreign_key_is_an_error_until_it_is_put_back() {
    let folder = folder();
    let (path, other) = (folder.path().join("store"), folder.path().join("other"));
    let (key, foreign) = (claimed(&path).await, claimed(&other).await);
    let file = path.join("names.key");
    let mut flipped = key.clone();
    flipped[20] ^= 1;
    for (content, expected) in [
        (None, "missing"),
        (Some(flipped), "corrupt"),
        (Some(key[..43].to_vec()), "corrupt"),
        (Some(Vec::new()), "corrupt"),
        (Some(foreign), "wrong"),
    ] {
        match &content {
            Some(content) => fs::write(&file, content).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        assert_refused(&path, expected).await;
        let (annals, _) = open(SledOptions::new(&path)).await;
        assert!(matches!(claim(&annals, "b", "ada").await, Err(ExecuteError::NameKey(_))));
        fs::write(&file, &key).unwrap();
        assert_well(&annals).await;
        annals.shut_down().await;
        let (annals, _) = open(SledOptions::new(&path)).await;
        assert_well(&annals).await;
        annals.shut_down().await;
    }
    let (annals, _) = open(SledOptions::new(&path)).await;
    claim(&annals, "b", "bob").await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), key);
}

/// Whoever claims no name needs no key, and has none; whoever does reads it once.
#[tokio::test]
async fn only_names_need_the_key() {
    let folder = folder();
    let path = folder.path().join("store");
    let counter = Arc::<Counter>::default();
    let calls = || counter.calls.lock().unwrap().iter().filter(|(name, _)| name.starts_with("name key.")).count();
    let options = || SledOptions::new(&path).observer(counter.clone());
    let (annals, _) = open(options()).await;
    join(&annals, "a").await.unwrap();
    assert_eq!(holder(&annals, "ada").await, None);
    assert!(!path.join("names.key").exists() && calls() == 0);
    claim(&annals, "a", "ada").await.unwrap();
    assert!(path.join("names.key").exists() && calls() > 0);
    annals.shut_down().await;

    counter.calls.lock().unwrap().clear();
    let (annals, _) = open(options()).await;
    for member in ["a", "b"] {
        join(&annals, member).await.unwrap();
        annals.on::<Member>(member).load().await.unwrap();
    }
    assert_eq!(calls(), 0, "a plain command does not read it");
    for email in ["bob", "eve", "joe"] {
        claim(&annals, "b", email).await.unwrap();
        assert_eq!(holder(&annals, email).await.as_deref(), Some("member-b"));
    }
    assert_eq!(counter.calls.lock().unwrap()["name key.open"], 1, "and names read it once");
}

/// F2: whichever call fails while the key is made, the claim is an error that wrote no event, and the next one succeeds.
#[tokio::test]
async fn a_key_that_could_not_be_written_is_made_later() {
    let counter = Arc::<Counter>::default();
    let first = folder();
    let (annals, _) = open(SledOptions::new(first.path().join("store")).observer(counter.clone())).await;
    claim(&annals, "a", "ada").await.unwrap();
    let names: Vec<_> =
        counter.calls.lock().unwrap().keys().filter(|name| name.starts_with("name key.")).cloned().collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        // A file that is not there is not opened in any case.
        let moments = if name == "name key.open" { &[Moment::Before][..] } else { &[Moment::Before, Moment::After] };
        for &moment in moments {
            let folder = folder();
            let path = folder.path().join("store");
            let fault = Fault::new(Some(&name), 1, moment, Failure::Once(ErrorKind::Other));
            let fault = Arc::new(fault);
            let (annals, store) = open(SledOptions::new(&path).observer(fault.clone())).await;
            let error = claim(&annals, "a", "ada").await;
            if !fault.was_reached() {
                continue;
            }
            let Err(ExecuteError::NameKey(NameKeyError::Read(ReadError::Io { .. }))) = error else {
                panic!("{name} {moment:?}: {error:?}");
            };
            assert!(log(&store).await.is_empty());
            claim(&annals, "a", "ada").await.unwrap();
            annals.shut_down().await;
            let (annals, _) = open(SledOptions::new(&path)).await;
            assert_well(&annals).await;
        }
    }
}

/// P1, F5: a process that is killed at any moment while it makes the key, and a power cut behind what came after: the key
/// of every name that was claimed is there.
#[tokio::test]
async fn the_key_is_on_disk_before_a_name_is() {
    let folder = folder();
    let path = folder.path().join("store");
    let recorder = Arc::new(Recorder::new(None));
    let (annals, _) = open(SledOptions::new(&path).observer(recorder.clone())).await;
    let begin = recorder.moment();
    claim(&annals, "a", "ada").await.unwrap();
    let (end, recording) = (recorder.moment(), recorder.recording());
    let mut random = Random(7);
    for until in begin..=end {
        let killed = folder.path().join(format!("killed-{until}"));
        let recorder = Arc::new(recording.kill(&path, until, &killed));
        let (annals, _) = open(SledOptions::new(&killed).observer(recorder.clone())).await;
        let second = claim(&annals, "a", "ada").await;
        assert!(second.is_ok() || is_taken(second));
        let claimed = recorder.moment();
        annals.shut_down().await;
        let recording = recorder.recording();
        for image in 0..4 {
            let image = folder.path().join(format!("cut-{until}-{image}"));
            recording.image(&killed, claimed, &mut random, &image);
            fs::write(image.join("lock"), "another boot").unwrap();
            let (annals, _) = open(SledOptions::new(&image)).await;
            assert_well(&annals).await;
        }
    }
}

/// Lets a call fail, and records what is done nevertheless.
struct Both(Fault, Recorder);

impl Observer for Both {
    fn call(&self, call: &Call<'_>, make: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<()> {
        self.0.call(call, &mut |bytes| self.1.call(call, &mut |_| make(bytes)))
    }
}

/// P1, F2, F5: the folder could not be synced when the key was made; the key is there, and it is used only once its name is on
/// disk as well.
#[tokio::test]
async fn a_key_that_was_left_behind_is_on_disk_before_it_is_used() {
    let folder = folder();
    let path = folder.path().join("store");
    let fault = Fault::new(Some("name key.sync_folder"), 1, Moment::Before, Failure::Once(ErrorKind::Other));
    let both = Arc::new(Both(fault, Recorder::new(None)));
    let (annals, _) = open(SledOptions::new(&path).observer(both.clone())).await;
    assert!(matches!(claim(&annals, "a", "ada").await, Err(ExecuteError::NameKey(_))));
    claim(&annals, "a", "ada").await.unwrap();
    let claimed = both.1.moment();
    let mut random = Random(7);
    for image in 0..20 {
        let image = folder.path().join(format!("cut-{image}"));
        both.1.recording().image(&path, claimed, &mut random, &image);
        fs::write(image.join("lock"), "another boot").unwrap();
        let (annals, _) = open(SledOptions::new(&image)).await;
        assert_well(&annals).await;
    }
}
