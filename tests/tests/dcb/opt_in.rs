//! Opt-in: who signs up confirms the address by a token that was sent to it, once and within an hour. The token is known by
//! the event that carries it; no table of tokens is kept beside.

use std::time::Duration;

use annals::{Boundary, ExecuteError, Executed, Selection, boundary, in_stream, kinds, prelude::*};
use annals_conformance::Harness;
use serde::{Deserialize, Serialize};

use super::application::{Application, refusal};

const VALIDITY: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "sign_up")]
enum SignUpEvent {
    Initiated {
        #[tag]
        email: String,
        #[tag]
        token: String,
        name: String,
        at: Timestamp,
    },
    Confirmed {
        #[tag]
        email: String,
        #[tag]
        token: String,
    },
}

/// What became of a token that was sent to an address.
#[derive(Default, Clone)]
enum SignUp {
    #[default]
    Unknown,
    Pending {
        name: String,
        since: Timestamp,
    },
    Confirmed,
}

impl Boundary for SignUp {
    type Id = (String, String);
    fn select((email, token): &(String, String)) -> Selection<Self> {
        let kinds = kinds![SignUpEvent::Initiated, SignUpEvent::Confirmed];
        Selection::of(kinds).tag("email", email).tag("token", token)
    }
}

impl Evolve<SignUpEvent> for SignUp {
    fn evolve(&mut self, event: &SignUpEvent) {
        *self = match event {
            SignUpEvent::Initiated { name, at, .. } => Self::Pending { name: name.clone(), since: *at },
            SignUpEvent::Confirmed { .. } => Self::Confirmed,
        };
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    TokenInUse,
    NoSuchToken,
    TokenUsed,
    TokenExpired,
}

async fn initiate(
    annals: &Annals,
    email: &str,
    token: &str,
    name: &str,
) -> Result<Executed<()>, ExecuteError<Refusal>> {
    let (email, token, name) = (email.to_owned(), token.to_owned(), name.to_owned());
    let initiating = annals.together(boundary::<SignUp>((email.clone(), token.clone())), move |sign_up| {
        if !matches!(**sign_up, SignUp::Unknown) {
            return Err(Refusal::TokenInUse);
        }
        let (email, token, name, at) = (email.clone(), token.clone(), name.clone(), sign_up.now());
        sign_up.emit(in_stream("sign_up", &token), SignUpEvent::Initiated { email, token, name, at });
        Ok(())
    });
    initiating.await
}

/// Replies who signed up.
async fn confirm(annals: &Annals, email: &str, token: &str) -> Result<Executed<String>, ExecuteError<Refusal>> {
    let (email, token) = (email.to_owned(), token.to_owned());
    let confirming = annals.together(boundary::<SignUp>((email.clone(), token.clone())), move |sign_up| {
        let name = match &**sign_up {
            SignUp::Unknown => return Err(Refusal::NoSuchToken),
            SignUp::Confirmed => return Err(Refusal::TokenUsed),
            SignUp::Pending { since, .. } if sign_up.now() > since.saturating_add(VALIDITY) => {
                return Err(Refusal::TokenExpired);
            }
            SignUp::Pending { name, .. } => name.clone(),
        };
        let (email, token) = (email.clone(), token.clone());
        sign_up.emit(in_stream("sign_up", &token), SignUpEvent::Confirmed { email, token });
        Ok(name)
    });
    confirming.await
}

/// Published, without numbers of their own: an unknown token, one of another address, a used one, a valid one.
pub(crate) async fn a_sign_up_is_confirmed_once_by_whoever_has_its_token<H: Harness>() {
    let site = Application::<H>::open().await;
    assert_eq!(refusal(confirm(&site, "john@example.com", "000000").await), Refusal::NoSuchToken);
    initiate(&site, "john@example.com", "111111", "John").await.expect("it is new");
    assert_eq!(refusal(initiate(&site, "john@example.com", "111111", "Jim").await), Refusal::TokenInUse);
    assert_eq!(refusal(confirm(&site, "jane@example.com", "111111").await), Refusal::NoSuchToken);
    assert_eq!(confirm(&site, "john@example.com", "111111").await.expect("it is valid").reply, "John");
    assert_eq!(refusal(confirm(&site, "john@example.com", "111111").await), Refusal::TokenUsed);
}

/// Published: after 61 minutes.
pub(crate) async fn a_token_expires<H: Harness>() {
    let site = Application::<H>::open().await;
    for (token, minutes) in [("222222", 59), ("333333", 60), ("444444", 61)] {
        initiate(&site, "john@example.com", token, "John").await.expect("it is new");
        site.clock.step(minutes * 60);
        let confirmed = confirm(&site, "john@example.com", token).await;
        match minutes {
            61 => assert_eq!(refusal(confirmed), Refusal::TokenExpired),
            _ => assert_eq!(confirmed.expect("it is valid").reply, "John"),
        }
    }
}
