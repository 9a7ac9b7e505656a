//! Reactions as they are written, in a crate that knows nothing but the facade and serde.

use std::fmt;

use annals::{
    Incoming, MemoryStore, Preparation, Prepare, Record, Store, Subscription, kinds,
    prelude::*,
    projections::Retry,
    sagas::{Begin, SagaHandle, SagaOptions},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "member")]
enum MemberEvent {
    Joined { name: String },
    Moved { household: Option<String>, number: String },
    Married(String),
    Left,
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "member", event = MemberEvent)]
struct Member;

impl Evolve<MemberEvent> for Member {
    fn evolve(&mut self, _: &MemberEvent) {}
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "letterbox")]
enum LetterEvent {
    Received { text: String },
    Returned,
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "letterbox", event = LetterEvent)]
struct Letterbox {
    letters: u64,
}

impl Evolve<LetterEvent> for Letterbox {
    fn evolve(&mut self, event: &LetterEvent) {
        if let LetterEvent::Received { .. } = event {
            self.letters += 1;
        }
    }
}

/// What happens to a member.
#[derive(Clone)]
struct Tell(MemberEvent);

impl Handle<Tell> for Member {
    type Reply = ();
    type Error = String;
    fn handle(member: &mut Decision<Self>, Tell(event): Tell) -> Result<(), String> {
        member.emit(event);
        Ok(())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Greet {
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Forward {
    number: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Return;

impl Handle<Greet> for Letterbox {
    type Reply = ();
    type Error = String;
    fn handle(letterbox: &mut Decision<Self>, greet: Greet) -> Result<(), String> {
        if letterbox.letters > 0 {
            return Err(format!("{} letters are in it", letterbox.letters));
        }
        letterbox.emit(LetterEvent::Received { text: format!("welcome, {}", greet.name) });
        Ok(())
    }
}

impl Handle<Forward> for Letterbox {
    type Reply = ();
    type Error = String;
    fn handle(letterbox: &mut Decision<Self>, forward: Forward) -> Result<(), String> {
        letterbox.emit(LetterEvent::Received { text: format!("now at {}", forward.number) });
        Ok(())
    }
}

impl Handle<Return> for Letterbox {
    type Reply = ();
    type Error = String;
    fn handle(letterbox: &mut Decision<Self>, _: Return) -> Result<(), String> {
        letterbox.emit(LetterEvent::Returned);
        Ok(())
    }
}

/// Knows the houses from this number on.
struct Post(u64);

impl Prepare<Forward> for Letterbox {
    type Service = Post;
    type Prepared = Forward;
    type Error = String;
    async fn prepare(_: Preparation<'_, Self>, forward: Forward, post: &Post) -> Result<Forward, String> {
        if forward.number < post.0 { Err(format!("there is no house {}", forward.number)) } else { Ok(forward) }
    }
}

/// An error of our own, which is no `BoxError`.
#[derive(Debug)]
struct Nameless;

impl fmt::Display for Nameless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody joined")
    }
}

impl std::error::Error for Nameless {}

struct Greets;

#[annals::reaction(
    name = "greets",
    sends(Letterbox: Greet, prepared Forward, Return),
    ignore(MemberEvent::Married, MemberEvent::Left)
)]
impl Greets {
    #[on(MemberEvent::Joined { name })]
    fn joined(name: &str, step: &mut Step<'_, Self>) -> Result<(), Nameless> {
        if name.is_empty() {
            return Err(Nameless);
        }
        step.send::<Letterbox, _>(step.key(), Greet { name: name.to_owned() });
        Ok(())
    }

    #[on(MemberEvent::Moved { household, number }, key = household)]
    fn moved(step: &mut Step<'_, Self>, number: &str, cx: &EventContext<'_>) -> Result<(), BoxError> {
        Self::forward(cx.key(), number.parse()?, step);
        Ok(())
    }

    #[refused(Greet)]
    fn refused(refusal: &Refusal<'_>, greet: &Greet, step: &mut Step<'_, Self>) {
        let full = refusal.error::<String>().is_some_and(|error| error.ends_with("in it"));
        assert!(full, "{} was not greeted", greet.name);
        step.send::<Letterbox, _>(refusal.id(), Return);
    }

    /// No handler.
    fn forward(member: &str, number: u64, step: &mut Step<'_, Self>) {
        step.send::<Letterbox, _>(member, Forward { number });
    }
}

/// The same, written by hand.
struct ByHand;

impl SendsTo<Letterbox, Greet> for ByHand {}
impl SendsTo<Letterbox, Forward> for ByHand {}
impl SendsTo<Letterbox, Return> for ByHand {}

impl Reaction for ByHand {
    const NAME: &'static str = "by_hand";

    fn subscription() -> Subscription {
        Subscription::new().kinds(kinds![MemberEvent::Joined, MemberEvent::Moved])
    }

    fn commands() -> Commands {
        Commands::new().with::<Letterbox, Greet>().prepared::<Letterbox, Forward>().with::<Letterbox, Return>()
    }

    fn key(event: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<String>, BoxError> {
        match event.get() {
            Some(MemberEvent::Moved { household, .. }) => Ok(household.clone()),
            _ => Ok(Some(cx.key().to_owned())),
        }
    }

    fn react(event: Incoming<'_>, cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        match event.get() {
            Some(MemberEvent::Joined { name }) if name.is_empty() => return Err(Nameless.into()),
            Some(MemberEvent::Joined { name }) => {
                step.send::<Letterbox, _>(step.key(), Greet { name: name.clone() });
            }
            Some(MemberEvent::Moved { number, .. }) => {
                step.send::<Letterbox, _>(cx.key(), Forward { number: number.parse()? });
            }
            _ => {}
        }
        Ok(())
    }

    fn refused(refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        match refusal.command::<Greet>() {
            Some(_) => step.send::<Letterbox, _>(refusal.id(), Return),
            None => return Err(annals::sagas::Unhandled::refusal(refusal).into()),
        }
        Ok(())
    }
}

/// Stream, type and payload of a record.
type Told = (String, String, Vec<u8>);

/// What becomes of `told`, member by member: what is in the log then, by stream, less positions and times; what was set aside, and
/// which commands wait, each with the reason.
async fn follows<R: Reaction>(told: &[(&str, MemberEvent)]) -> (Vec<Told>, Vec<String>, Vec<String>) {
    let retry = Retry { attempts: 1, ..Retry::default() };
    let options = SagaOptions::default().begin(Begin::AtTheBeginning).retry(retry);
    let annals = Annals::over(MemoryStore::new()).service(Post(10)).reaction_with::<R>(options).open().await.unwrap();
    let reaction = annals.reaction::<R>().unwrap();
    for (member, event) in told {
        annals.on::<Member>(*member).send(Tell(event.clone())).await.unwrap();
        reaction.settled().await.unwrap();
    }
    let (aside, waiting) = set_aside(&reaction).await;
    let records: Vec<_> = annals.store().read_log(annals::ReadLog::all()).try_collect().await.unwrap();
    annals.shut_down().await;
    (records.iter().map(|record| plainly::<R>(record)).collect(), aside, waiting)
}

async fn set_aside(reaction: &SagaHandle) -> (Vec<String>, Vec<String>) {
    let aside = reaction.aside().await.unwrap().into_iter().map(|event| event.failure.error).collect();
    let waiting = reaction.waiting().await.unwrap().into_iter();
    (aside, waiting.filter_map(|command| Some(command.failure?.error)).collect())
}

fn plainly<R: Reaction>(record: &Record) -> Told {
    let (stream, event_type) = (record.stream().to_string(), record.event_type().as_str().to_owned());
    match stream.strip_prefix(&format!("saga:{}-", R::NAME)) {
        Some(key) => (format!("saga-{key}"), event_type, Vec::new()),
        None => (stream, event_type, record.payload().to_vec()),
    }
}

fn joined(name: &str) -> MemberEvent {
    MemberEvent::Joined { name: name.into() }
}

fn moved(household: Option<&str>, number: &str) -> MemberEvent {
    MemberEvent::Moved { household: household.map(str::to_owned), number: number.into() }
}

#[tokio::test]
async fn a_reaction_does_what_one_does_that_is_written_by_hand() {
    let told = [
        ("ada", joined("Ada")),
        ("ada", MemberEvent::Married("bob".into())),
        ("ada", moved(Some("lovelace"), "12")),
        // Of no household, so not answered.
        ("ada", moved(None, "13")),
        // The letterbox refuses it.
        ("ada", joined("Ada")),
        // An error of the function; that of a command's service, of which nothing is said.
        ("eve", joined("")),
        ("ada", moved(Some("byron"), "eight")),
        ("ada", moved(Some("king"), "8")),
        ("ada", MemberEvent::Left),
    ];
    let (log, aside, waiting) = follows::<Greets>(&told).await;
    let of = |stream: &str| {
        let records = log.iter().filter(|(of, ..)| of == stream);
        records.map(|(_, event_type, _)| event_type.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("letterbox-ada"), ["letterbox.received", "letterbox.received", "letterbox.returned"]);
    assert!(of("letterbox-eve").is_empty());
    // Two events and a refusal; a move.
    assert_eq!((of("saga-ada").len(), of("saga-lovelace").len()), (3, 1));
    assert_eq!(aside, ["nobody joined", "invalid digit found in string"]);
    let unsaid =
        "command forward to letterbox ada was refused, and nothing is said of what follows: there is no house 8";
    assert_eq!(waiting, [unsaid]);
    assert_eq!((log, aside, waiting), follows::<ByHand>(&told).await);
}

#[test]
fn the_patterns_are_the_subscription_and_what_it_sends_is_found_again() {
    assert_eq!(Greets::NAME, "greets");
    assert_eq!(Greets::subscription().query(), ByHand::subscription().query());
    let sent: Vec<_> = Greets::commands().names().collect();
    assert_eq!(sent, ByHand::commands().names().collect::<Vec<_>>());
}

/// What a function, a key or a block may be beside the usual.
mod unusual {
    use std::marker::PhantomData;

    use super::*;

    trait Language: Send + Sync + 'static {
        const WELCOME: &'static str;
    }

    struct Plain;

    impl Language for Plain {
        const WELCOME: &'static str = "hello";
    }

    struct Speaks<L>(PhantomData<L>);

    #[reaction(name = "speaks", sends(Letterbox: Greet), sends(Letterbox: Return), ignore(LetterEvent::*), crate = annals)]
    impl<L> Speaks<L>
    where
        L: Language,
    {
        /// Names that mean something else elsewhere, in a function that is called like one of the trait.
        #[allow(clippy::unnecessary_wraps, reason = "attributes stay")]
        #[on(MemberEvent::Joined { name: context }, key = format!("{}-{}-{context}", L::WELCOME, cx.key()),)]
        #[on(MemberEvent::Married(context))]
        fn react<'a>(event: &mut Step<'_, Self>, context: &String, of: &EventContext<'a>) -> Result<(), String> {
            event.send::<Letterbox, _>(of.key(), Greet { name: format!("{}, {context}", L::WELCOME) });
            Ok(())
        }

        #[on(MemberEvent::Moved { household: cx, number }, key = cx.as_ref().map(|_| number.parse::<u64>()).transpose()?)]
        fn key() {}

        #[cfg(any())]
        #[on(MemberEvent::Left)]
        #[refused(Return)]
        fn left() -> NoSuchType {}

        #[cfg(not(any()))]
        #[on(MemberEvent::Left, key = Some(cx.key()).filter(|key| key.len() > 1))]
        #[refused(Greet)]
        #[refused(Return)]
        fn left(step: &mut Step<'_, Self>) {
            step.send::<Letterbox, _>(step.key().to_owned(), Return);
        }
    }

    async fn key(member: &str, event: MemberEvent) -> Result<Option<String>, String> {
        let store = MemoryStore::new();
        store.commit(annals::testing::commit_of::<Member>(member, [event.clone()])).await.unwrap();
        let records: Vec<Record> = store.read_log(annals::ReadLog::all()).try_collect().await.unwrap();
        let context = EventContext::new(&records[0], 0);
        let key = <Speaks<Plain> as Reaction>::key(Incoming::of(&event), &context);
        key.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_key_is_any_expression_and_none_is_of_nobody() {
        let is = |key: &str| Ok(Some(key.to_owned()));
        assert_eq!(key("ada", joined("Ada")).await, is("hello-ada-Ada"));
        assert_eq!(key("ada", MemberEvent::Married("bob".into())).await, is("ada"));
        assert_eq!(key("ada", moved(Some("lovelace"), "12")).await, is("12"));
        assert_eq!(key("ada", moved(None, "twelve")).await, Ok(None));
        let error = Err("invalid digit found in string".to_owned());
        assert_eq!(key("ada", moved(Some("lovelace"), "twelve")).await, error);
        assert_eq!(key("ada", MemberEvent::Left).await, is("ada"));
        assert_eq!(key("x", MemberEvent::Left).await, Ok(None));
    }

    #[tokio::test]
    async fn a_reaction_with_parameters_runs() {
        let told = [("ada", joined("Ada")), ("x", MemberEvent::Left), ("ada", MemberEvent::Left)];
        let (log, aside, waiting) = follows::<Speaks<Plain>>(&told).await;
        let letters: Vec<_> = log.iter().filter(|(stream, ..)| stream.starts_with("letterbox-")).collect();
        let types: Vec<_> = letters.iter().map(|(stream, kind, _)| (stream.as_str(), kind.as_str())).collect();
        assert_eq!(types, [("letterbox-ada", "letterbox.received"), ("letterbox-ada", "letterbox.returned")]);
        assert!(aside.is_empty() && waiting.is_empty());
    }
}
