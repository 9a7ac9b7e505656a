//! User names that are unique, and stay reserved for some days after they were released.
//!
//! Without the days, [`Decision::claim`](annals::Decision::claim) does it in one line, and keeps no name in the log.

use std::time::Duration;

use annals::{Boundary, BoundaryDecision, ExecuteError, Executed, Selection, boundary, in_stream, kinds, prelude::*};
use annals_conformance::Harness;
use serde::{Deserialize, Serialize};

use super::application::{Application, at_once, refusal};

/// How long a released user name is nobody's.
const RETENTION: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Each is about one name: that one changes is two facts, in one commit.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "username")]
enum UsernameEvent {
    Taken {
        #[tag]
        username: String,
        account: u32,
    },
    Released {
        #[tag]
        username: String,
        at: Timestamp,
    },
}

/// What became of one user name.
#[derive(Default, Clone)]
struct Username {
    holder: Option<u32>,
    released: Option<Timestamp>,
}

impl Username {
    fn is_free(&self, now: Timestamp) -> bool {
        self.holder.is_none() && self.released.is_none_or(|released| now > released.saturating_add(RETENTION))
    }
}

impl Boundary for Username {
    type Id = String;
    fn select(username: &String) -> Selection<Self> {
        Selection::of(kinds![UsernameEvent::Taken, UsernameEvent::Released]).tag("username", username)
    }
}

impl Evolve<UsernameEvent> for Username {
    fn evolve(&mut self, event: &UsernameEvent) {
        match event {
            UsernameEvent::Taken { account, .. } => self.holder = Some(*account),
            UsernameEvent::Released { at, .. } => (self.holder, self.released) = (None, Some(*at)),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Taken,
    NotYours,
}

type Outcome = Result<Executed<()>, ExecuteError<Refusal>>;

async fn register(annals: Annals, account: u32, username: String) -> Outcome {
    let registering = annals.together(boundary::<Username>(username.clone()), move |name| {
        if !name.is_free(name.now()) {
            return Err(Refusal::Taken);
        }
        take(name, account, &username);
        Ok(())
    });
    registering.await
}

async fn close(annals: &Annals, account: u32, username: &str) -> Outcome {
    let username = username.to_owned();
    let closing = annals.together(boundary::<Username>(username.clone()), move |name| {
        if name.holder != Some(account) {
            return Err(Refusal::NotYours);
        }
        release(name, account, &username);
        Ok(())
    });
    closing.await
}

async fn rename(annals: &Annals, account: u32, old: &str, new: &str) -> Outcome {
    let (old, new) = (old.to_owned(), new.to_owned());
    let renaming = annals.together(boundary::<(Username, Username)>((old.clone(), new.clone())), move |names| {
        if names.0.holder != Some(account) {
            return Err(Refusal::NotYours);
        }
        if !names.1.is_free(names.now()) {
            return Err(Refusal::Taken);
        }
        release(names, account, &old);
        take(names, account, &new);
        Ok(())
    });
    renaming.await
}

fn take<B: Boundary>(names: &mut BoundaryDecision<B>, account: u32, username: &str) {
    names.emit(in_stream("account", account), UsernameEvent::Taken { username: username.to_owned(), account });
}

fn release<B: Boundary>(names: &mut BoundaryDecision<B>, account: u32, username: &str) {
    let at = names.now();
    names.emit(in_stream("account", account), UsernameEvent::Released { username: username.to_owned(), at });
}

const DAY: i64 = 24 * 60 * 60;

/// G.48, G.49.
pub(crate) async fn a_username_has_one_holder<H: Harness>() {
    let site = Application::<H>::open().await;
    register(site.clone(), 1, "u1".into()).await.expect("nobody has it");
    assert_eq!(refusal(register(site.clone(), 2, "u1".into()).await), Refusal::Taken);
    register(site.clone(), 2, "u2".into()).await.expect("nobody has it");
    assert_eq!(refusal(rename(&site, 2, "u2", "u1").await), Refusal::Taken);
    assert_eq!(refusal(close(&site, 2, "u1").await), Refusal::NotYours);
}

/// G.50, G.53, G.54.
pub(crate) async fn a_released_username_is_retained_and_then_free<H: Harness>() {
    let site = Application::<H>::open().await;
    register(site.clone(), 1, "u1".into()).await.expect("nobody has it");
    close(&site, 1, "u1").await.expect("it is theirs");
    for _ in 0..=3 {
        assert_eq!(refusal(register(site.clone(), 2, "u1".into()).await), Refusal::Taken);
        site.clock.step(DAY);
    }
    register(site.clone(), 2, "u1".into()).await.expect("it was released four days ago");
}

/// G.51, G.52, G.55, G.56.
pub(crate) async fn a_changed_username_is_retained_and_then_free<H: Harness>() {
    let site = Application::<H>::open().await;
    register(site.clone(), 1, "u1".into()).await.expect("nobody has it");
    assert_eq!(refusal(rename(&site, 2, "u1", "u2").await), Refusal::NotYours);
    rename(&site, 1, "u1", "u1changed").await.expect("nobody has it");
    for _ in 0..=3 {
        assert_eq!(refusal(register(site.clone(), 2, "u1".into()).await), Refusal::Taken);
        assert_eq!(refusal(register(site.clone(), 2, "u1changed".into()).await), Refusal::Taken);
        site.clock.step(DAY);
    }
    assert_eq!(refusal(register(site.clone(), 2, "u1changed".into()).await), Refusal::Taken);
    register(site.clone(), 2, "u1".into()).await.expect("it was given up four days ago");
}

/// C.10, P4.
pub(crate) async fn one_of_many_gets_the_username<H: Harness>() {
    let site = Application::<H>::open().await;
    let (won, lost) = at_once(|account| register(site.clone(), account as u32, "u1".into())).await;
    assert_eq!((won.len(), lost.len()), (1, 15));
}
