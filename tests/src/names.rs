//! Unique names: the key that they are hashed with, and names on it.

use annals_core::{Annals, Decision, ExecuteError, Executed, NameKey, NameRefusal, UniqueName, at};

use crate::{
    Harness, Setup,
    fixture::*,
    race::{at_once, winners},
    tally::{Count, Tallied, Tally},
};

type Outcome = Result<Executed<()>, ExecuteError<()>>;

async fn key(store: &Handle, make: bool) -> Option<NameKey> {
    store.name_key(make).await.expect("the key reads")
}

/// A handle that has seen nothing yet.
async fn open<H: Harness>(harness: &H) -> Annals {
    Annals::over(harness.store()).open().await.expect("it opens")
}

/// Counts, and says something of names in the same commit.
async fn say(annals: &Annals, tally: &str, mut say: impl FnMut(&mut Decision<Tally>) + Send + 'static) -> Outcome {
    let saying = annals.together(at::<Tally>(tally), move |tally| {
        tally.emit(Tallied::Counted { by: 1 });
        say(tally);
        Ok(())
    });
    saying.await
}

async fn claim(annals: &Annals, tally: &str, name: &str) -> Outcome {
    let name = name.to_owned();
    say(annals, tally, move |tally| tally.claim("iban", &name)).await
}

fn refusal(outcome: Outcome) -> NameRefusal {
    match outcome {
        Err(ExecuteError::Names { mut refusals }) if refusals.len() == 1 => refusals.remove(0),
        other => panic!("expected that one name is not to be had, found {other:?}"),
    }
}

fn taken(name: &str, holder: &str) -> NameRefusal {
    let name = UniqueName::new("iban", name).expect("a valid name");
    NameRefusal::Taken { name, holder: stream(holder) }
}

async fn holder(annals: &Annals, name: &str) -> Option<String> {
    let holder = annals.holder("iban", name).await.expect("it is known who holds it");
    holder.map(|stream| stream.to_string())
}

/// Neither commands, nor asking for the key or for the holder of a name, nor reopening make a key.
pub async fn there_is_no_key_before_one_is_made<H: Harness>() {
    let mut harness = H::create(Setup::default()).await;
    for _ in 0..2 {
        let annals = open(&harness).await;
        annals.on::<Tally>("a").send(Count { by: 1 }).await.expect("it counts");
        assert_eq!(holder(&annals, "DE1").await, None);
        assert_eq!(key(&harness.store(), false).await, None);
        harness.reopen().await;
    }
    assert_eq!(key(&harness.store(), false).await, None);
}

/// Made once and the same ever after, through every handle, after reopening and without the index; it is not of the log.
pub async fn a_key_is_made_once_and_stays<H: Harness>() {
    let mut harness = H::create(Setup::default()).await;
    let before = contents(&harness.store()).await;
    let made = key(&harness.store(), true).await;
    assert!(made.is_some());
    assert_eq!(contents(&harness.store()).await, before, "it is kept beside the log");
    for _ in 0..3 {
        for make in [false, true, false] {
            assert_eq!(key(&harness.store(), make).await, made);
        }
        harness.reopen().await;
    }
    harness.lose_index().await;
    assert_eq!(key(&harness.store(), false).await, made);
    let other = H::create(Setup::default()).await;
    assert_ne!(key(&other.store(), true).await, made, "each store has its own");
}

/// However many ask at once for a key that is not there yet.
pub async fn callers_at_once_get_one_key<H: Harness>() {
    for _ in 0..5 {
        let harness = H::create(Setup::default()).await;
        let found = at_once(|caller| {
            let (store, makes) = (harness.store(), caller % 4 > 0);
            async move { (makes, key(&store, makes).await) }
        });
        let found = found.await;
        let made = key(&harness.store(), false).await;
        assert!(made.is_some());
        for (makes, found) in found {
            assert!(found == made || (!makes && found.is_none()), "all get the same, or come before it was made");
        }
    }
}

/// P14: claimed, handed over, released and claimed again, each seen after reopening and without the index.
pub async fn names_are_held_over_reopening<H: Harness>() {
    let mut harness = H::create(Setup::default()).await;
    claim(&open(&harness).await, "a", "DE1").await.expect("it is free");
    harness.reopen().await;
    let annals = open(&harness).await;
    assert_eq!(refusal(claim(&annals, "b", "DE1").await), taken("DE1", "tally-a"));
    say(&annals, "a", |tally| tally.transfer("iban", "DE1", at::<Tally>("b"))).await.expect("it is theirs to give");
    harness.reopen().await;
    let annals = open(&harness).await;
    assert_eq!(holder(&annals, "DE1").await.as_deref(), Some("tally-b"));
    let not_held = refusal(say(&annals, "a", |tally| tally.release("iban", "DE1")).await);
    assert!(matches!(not_held, NameRefusal::NotHeld { holder: Some(holder), .. } if holder == stream("tally-b")));
    say(&annals, "b", |tally| tally.release("iban", "DE1")).await.expect("it is theirs to give up");
    harness.reopen().await;
    let annals = open(&harness).await;
    assert_eq!(holder(&annals, "DE1").await, None);
    claim(&annals, "c", "DE1").await.expect("it is free");
    harness.lose_index().await;
    let annals = open(&harness).await;
    assert_eq!(refusal(claim(&annals, "a", "DE1").await), taken("DE1", "tally-c"));
    assert_eq!(holder(&annals, "DE1").await.as_deref(), Some("tally-c"));
    assert_eq!(log(&harness.store()).await.len(), 4, "what was refused wrote nothing");
}

/// P4: sixteen at once, through two handles: one gets the name, and the others learn who.
pub async fn one_of_many_claims_wins<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let handles = [open(&harness).await, open(&harness).await];
    for round in 0..30 {
        let name = format!("DE{round}");
        let won = winners(|racer| {
            let (annals, name) = (handles[racer % 2].clone(), name.clone());
            async move {
                let outcome = claim(&annals, &format!("{name}x{racer}"), &name).await;
                let holder = holder(&annals, &name).await.expect("it is taken by now");
                match outcome {
                    Ok(_) => true,
                    lost => {
                        assert_eq!(refusal(lost), taken(&name, &holder));
                        false
                    }
                }
            }
        });
        assert_eq!(won.await, 1, "round {round}");
    }
    assert_eq!(log(&harness.store()).await.len(), 30, "an event is of the commit of its claim");
}
