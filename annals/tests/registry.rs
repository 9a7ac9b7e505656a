//! What a store has ever held, kept in it, and refused when it does not get along with that.

use std::sync::Arc;

use annals::{
    Annals, Commit, ExecuteError, LoggedTable, MemoryStore, OpenError, RowWrite, Scan, Schemas, Store, prelude::*,
    shape::Mode,
};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

/// The same aggregate in several lives of its code.
macro_rules! life {
    ($life:ident, $($event:tt)*) => {
        mod $life {
            use super::*;

            $($event)*

            #[derive(Debug, Default, Clone, Aggregate)]
            #[aggregate(name = "door", event = DoorEvent)]
            pub(super) struct Door {
                opened: u64,
            }

            impl Evolve<DoorEvent> for Door {
                fn evolve(&mut self, _: &DoorEvent) {
                    self.opened += 1;
                }
            }

            impl Handle<Open> for Door {
                type Reply = u64;
                type Error = String;
                fn handle(door: &mut Decision<Self>, Open(by): Open) -> Result<u64, String> {
                    door.emit(DoorEvent::Opened { by: by.into() });
                    Ok(door.opened)
                }
            }
        }
    };
}

/// Opens the door.
#[derive(Debug, Clone)]
struct Open(u8);

life!(
    first,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        Opened { by: u32 },
    }
);

life!(
    wider,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        Opened { by: u64 },
    }
);

life!(changed,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        Opened { by: Name },
    }

    #[derive(Clone, Serialize, Deserialize, Shape)]
    pub(super) struct Name(String);

    impl From<u8> for Name {
        fn from(number: u8) -> Self {
            Self(number.to_string())
        }
    }
);

life!(stepped,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        #[event(version = 2, from(1 = OpenedV1))]
        Opened { by: Name },
    }

    #[derive(Deserialize)]
    pub(super) struct OpenedV1 {
        by: u64,
    }

    impl From<OpenedV1> for DoorEvent {
        fn from(old: OpenedV1) -> Self {
            Self::Opened { by: Name(old.by.to_string()) }
        }
    }

    #[derive(Clone, Serialize, Deserialize, Shape)]
    pub(super) struct Name(String);

    impl From<u8> for Name {
        fn from(number: u8) -> Self {
            Self(number.to_string())
        }
    }
);

life!(
    renamed,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        #[event(name = "door.entered", alias = "door.opened")]
        Opened { by: u32 },
    }
);

// A type of which nothing is known, and the same where it says what it is stored as.
life!(unknown,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        Opened { by: Number },
    }

    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct Number(u32);

    impl From<u8> for Number {
        fn from(number: u8) -> Self {
            Self(number.into())
        }
    }
);

life!(known,
    #[derive(Clone, Serialize, Deserialize, Event)]
    #[event(prefix = "door")]
    pub(super) enum DoorEvent {
        Opened { by: Number },
    }

    #[derive(Clone, Serialize, Deserialize, Shape)]
    pub(super) struct Number(u32);

    impl From<u8> for Number {
        fn from(number: u8) -> Self {
            Self(number.into())
        }
    }
);

async fn open<A: Aggregate>(store: &Arc<dyn Store>, mode: Mode) -> Annals {
    let schemas = Schemas::new().aggregate::<A>().compatibility(mode);
    Annals::over(Arc::clone(store)).aggregate::<A>().schemas(schemas).open().await.unwrap()
}

/// Opens the door by the code of `A`.
async fn send<A>(annals: &Annals) -> Result<u64, ExecuteError<String>>
where
    A: Aggregate<Id = String> + Handle<Open, Reply = u64, Error = String>,
{
    Ok(annals.on::<A>("front").send(Open(7)).await?.reply)
}

async fn held(annals: &Annals) -> Vec<String> {
    let held = annals.held_schemas().await.unwrap();
    let text = |held: &annals::HeldSchema| {
        let schemas: Vec<_> = held.schemas.iter().map(ToString::to_string).collect();
        format!("{} v{}: {}", held.name, held.version, schemas.join(" was "))
    };
    held.iter().map(text).collect()
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[tokio::test]
async fn a_store_says_what_it_holds_since_the_first_event_of_its_form() {
    let store = memory();
    let annals = open::<first::Door>(&store, Mode::default()).await;
    assert_eq!(held(&annals).await, [""; 0], "what is registered is not yet held");
    assert_eq!(send::<first::Door>(&annals).await.unwrap(), 1);
    assert_eq!(held(&annals).await, ["door.opened v1: { by: u32 }"]);
    assert_eq!(send::<first::Door>(&annals).await.unwrap(), 2);

    let annals = open::<wider::Door>(&store, Mode::default()).await;
    assert_eq!(send::<wider::Door>(&annals).await.unwrap(), 3);
    assert_eq!(held(&annals).await, ["door.opened v1: { by: u64 } was { by: u32 }"]);

    let annals = open::<stepped::Door>(&store, Mode::default()).await;
    assert_eq!(send::<stepped::Door>(&annals).await.unwrap(), 4);
    assert_eq!(held(&annals).await, ["door.opened v1: { by: u64 } was { by: u32 }", "door.opened v2: { by: text }"]);
}

#[tokio::test]
async fn an_event_that_does_not_get_along_with_what_is_held_is_refused_when_it_is_to_be_stored() {
    let store = memory();
    send::<wider::Door>(&open::<wider::Door>(&store, Mode::default()).await).await.unwrap();
    let head = *store.head().borrow();
    for (error, told) in [
        (
            send::<first::Door>(&open::<first::Door>(&store, Mode::default()).await).await,
            "event door.opened of version 1 does not get along with what the store holds (mode backward); \
             version 1 cannot be read by the new shape: by is read as u32, but was written as u64",
        ),
        (
            send::<stepped::Door>(&open::<stepped::Door>(&store, Mode::Full).await).await,
            "event door.opened of version 2 does not get along with what the store holds (mode full); \
             version 1 cannot read the new shape: by is read as u64, but was written as text",
        ),
    ] {
        let error = error.unwrap_err();
        assert!(matches!(error, ExecuteError::Schema { .. }), "{error:?}");
        assert_eq!((error.to_string(), error.is_retryable()), (told.to_owned(), false));
    }
    assert_eq!(*store.head().borrow(), head, "nothing was written");
    // Whoever looks at nothing, writes everything.
    let annals = open::<first::Door>(&store, Mode::None).await;
    send::<first::Door>(&annals).await.unwrap();
    assert_eq!(held(&annals).await, ["door.opened v1: { by: u32 } was { by: u64 }"]);
}

#[tokio::test]
async fn what_is_stored_in_a_shape_that_cannot_be_read_is_refused_before_it_is_read() {
    let store = memory();
    let annals = open::<changed::Door>(&store, Mode::default()).await;
    let other = open::<first::Door>(&store, Mode::default()).await;
    send::<first::Door>(&other).await.unwrap();
    // The registry was read before the other code wrote: the commit finds out.
    let error = annals.on::<changed::Door>("back").send(Open(7)).await.unwrap_err();
    assert!(matches!(&error, ExecuteError::Schema { refusals } if refusals.len() == 1), "{error:?}");
}

#[tokio::test]
async fn an_event_under_a_new_name_has_to_get_along_with_what_is_held_under_its_former_one() {
    let store = memory();
    send::<wider::Door>(&open::<wider::Door>(&store, Mode::default()).await).await.unwrap();
    // What is stored as `door.opened` is read as of the same version of `door.entered`.
    let error = send::<renamed::Door>(&open::<renamed::Door>(&store, Mode::default()).await).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "event door.entered of version 1 does not get along with what the store holds (mode backward); \
         version 1 cannot be read by the new shape: by is read as u32, but was written as u64"
    );
    let store = memory();
    send::<first::Door>(&open::<first::Door>(&store, Mode::default()).await).await.unwrap();
    let annals = open::<renamed::Door>(&store, Mode::default()).await;
    assert_eq!(send::<renamed::Door>(&annals).await.unwrap(), 2);
    assert_eq!(held(&annals).await, ["door.entered v1: { by: u32 }", "door.opened v1: { by: u32 }"]);
}

#[tokio::test]
async fn a_type_that_says_of_itself_later_is_no_change_of_it() {
    for mode in [Mode::Backward, Mode::Full] {
        let store = memory();
        send::<unknown::Door>(&open::<unknown::Door>(&store, mode).await).await.unwrap();
        let annals = open::<known::Door>(&store, mode).await;
        send::<known::Door>(&annals).await.unwrap();
        assert_eq!(held(&annals).await, ["door.opened v1: { by: u32 } was { by: opaque(\"Number\") }"]);
        let error = send::<unknown::Door>(&open::<unknown::Door>(&store, mode).await).await.unwrap_err();
        assert!(matches!(error, ExecuteError::Schema { .. }), "what was known is not forgotten: {error:?}");
    }
}

#[tokio::test]
async fn an_enum_that_is_registered_and_missing_from_the_schemas_is_told_at_the_start() {
    let over = || Annals::over(MemoryStore::new()).aggregate::<first::Door>();
    let others = Schemas::new().event::<OtherEvent>();
    let error = over().schemas(others.clone()).open().await.unwrap_err();
    assert!(matches!(error, OpenError::NotInSchemas { events } if events.ends_with("first::DoorEvent")), "{error:?}");
    assert!(
        error.to_string().contains("add `.event::<all::registry::first::DoorEvent>()`, or its aggregate"),
        "{error}"
    );
    over().schemas(others.aggregate::<first::Door>()).open().await.unwrap();
    over().schemas(Schemas::new()).open().await.unwrap();
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "other")]
enum OtherEvent {}

#[tokio::test]
async fn callers_that_store_the_first_event_of_a_form_at_once_do_not_hinder_each_other() {
    let store = memory();
    let handles = join_all((0..4).map(|_| open::<first::Door>(&store, Mode::default()))).await;
    let doors: Vec<_> = handles.iter().enumerate().map(|(number, annals)| (annals, format!("door{number}"))).collect();
    let sent = doors.iter().map(|(annals, door)| async {
        // With an expected version there are no attempts but for this.
        annals.on::<first::Door>(door.as_str()).send(Open(7)).expect_version(Version::ZERO).await.map(|sent| sent.reply)
    });
    for reply in join_all(sent).await {
        assert_eq!(reply.unwrap(), 1);
    }
    let rows = store.scan(Scan::all(LoggedTable::SCHEMAS)).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn the_registry_comes_back_with_the_embedded_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("door.annals");
    let schemas = || Schemas::new().aggregate::<first::Door>();
    for round in 1..=2 {
        let annals = Annals::builder(&path).schemas(schemas()).open().await.unwrap();
        assert_eq!(send::<first::Door>(&annals).await.unwrap(), round);
        assert_eq!(held(&annals).await, ["door.opened v1: { by: u32 }"]);
        annals.shut_down().await;
    }
    // Without the index too (P14).
    std::fs::remove_dir_all(path.join("index")).unwrap();
    let annals = Annals::builder(&path).schemas(Schemas::new().aggregate::<changed::Door>()).open().await.unwrap();
    assert_eq!(held(&annals).await, ["door.opened v1: { by: u32 }"]);
    let error = annals.on::<changed::Door>("back").send(Open(7)).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Schema { .. }), "{error:?}");
    annals.shut_down().await;
}

#[tokio::test]
async fn without_schemas_nothing_is_kept_and_a_row_that_nobody_understands_stops_the_start() {
    let store = memory();
    let annals = Annals::over(Arc::clone(&store)).aggregate::<first::Door>().open().await.unwrap();
    send::<first::Door>(&annals).await.unwrap();
    assert_eq!(held(&annals).await, [""; 0]);
    let row = RowWrite::put(LoggedTable::SCHEMAS, "door.opened\0\0\0\0\x01", &b"\x91\xa3odd"[..]);
    store.commit(Commit { rows: vec![row], ..Commit::new() }).await.unwrap();
    let schemas = Schemas::new().aggregate::<first::Door>();
    let error = Annals::over(store).schemas(schemas).open().await.unwrap_err().to_string();
    assert!(
        error.contains("row door.opened\\x00\\x00\\x00\\x00\\x01 of $schemas says nothing that this version knows"),
        "{error}"
    );
}
