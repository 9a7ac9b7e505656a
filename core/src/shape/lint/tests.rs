use super::{Warning, verbs::is_past, warnings, words};
use crate::EventKind;

fn warned(events: &[(&'static str, &str)]) -> Vec<Warning> {
    let events: Vec<_> =
        events.iter().map(|(variant, text)| (EventKind::new(variant, "a.b", 1), text.parse().unwrap())).collect();
    warnings(&events)
}

#[test]
fn an_event_per_field_is_warned_of() {
    let warnings = warned(&[
        ("Registered", "{ name: text, email: text }"),
        ("NameChanged", "{ name: text }"),
        ("EmailChanged", "{ new_email: text }"),
        ("PhoneNumberSet", "{ phone_number: text? }"),
        ("AddressUpdated", "Address\nAddress = (text, text)"),
    ]);
    let [Warning::FieldEvents { variants }] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!(
        variants,
        &["NameChanged".into(), "EmailChanged".into(), "PhoneNumberSet".into(), "AddressUpdated".into()]
    );
    assert!(warnings[0].to_string().starts_with("NameChanged, EmailChanged, PhoneNumberSet, AddressUpdated each say"));
}

#[test]
fn a_few_changes_with_a_meaning_are_no_event_per_field() {
    assert_eq!(warned(&[("NameChanged", "{ name: text }"), ("EmailChanged", "{ email: text }"), ("Moved", "{}")]), []);
    let limits = [
        ("LimitChanged", "{ limit: i64, approved_by: text }"),
        ("OwnerChanged", "{ person: text }"),
        ("RateChanged", "{ rate: f64 }"),
        ("PriceChanged", "{ price: i64 }"),
    ];
    assert_eq!(warned(&limits), []);
}

#[test]
fn one_event_for_everything_is_warned_of() {
    let text = "{ id: uuid, name: text?, email: text?, phone: text = default, age: u8? }";
    let expected = Warning::CatchAll { variant: "CustomerUpdated".into(), optional: 4, fields: 5 };
    assert_eq!(warned(&[("CustomerUpdated", text)]).as_slice(), std::slice::from_ref(&expected));
    assert!(expected.to_string().starts_with("CustomerUpdated is one event for everything, 4 of its 5 fields may be"));
    // A name that says what happened may have many optional fields, and a vague one a few.
    assert_eq!(warned(&[("Registered", text)]), []);
    assert_eq!(warned(&[("Updated", "{ name: text?, email: text?, id: uuid }")]), []);
    let most = "{ a: u8, b: u8, c: u8, d: u8?, e: u8?, f: u8?, g: u8? }";
    assert_eq!(warned(&[("Updated", most)]), []);
}

#[test]
fn a_name_that_is_not_in_the_past_tense_is_warned_of() {
    for variant in ["Deposit", "OpenAccount", "Creates", "NewCustomer", "Feed", "Proceed", "Exceed", "HTTPCall"] {
        assert_eq!(warned(&[(variant, "{}")]), [Warning::NotPast { variant: variant.into() }]);
    }
}

#[test]
fn names_in_the_past_tense_are_let_pass() {
    for variant in [
        "Opened",
        "Deposited",
        "BalanceCorrected",
        "MoneyWithdrawn",
        "Overdrawn",
        "TransferSent",
        "Paid",
        "Prepaid",
        "LoggedIn",
        "OptedOut",
        "WentOffline",
        "PaymentFailedTwice",
        "SeatTaken",
        "KeyLost",
        "Rebuilt",
        "Undone",
        "Met",
        "HTTPCallFailed",
        "V2Released",
        "Snapshot_taken",
        "OrderPlacedByPhone",
        "Forgotten",
        "Upheld",
        "Resold",
        "Begun",
        "Frozen",
        "Unfrozen",
        "Written",
        "Overwritten",
        "Outbid",
        "CheckedOut",
        "Reset",
        "Died",
        "Tied",
        "Freed",
    ] {
        assert_eq!(warned(&[(variant, "{}")]), [], "{variant}");
    }
}

#[test]
fn a_name_is_taken_apart_into_words() {
    assert_eq!(words("HTTPCallFailed"), ["http", "call", "failed"]);
    assert_eq!(words("V2Released"), ["v2", "released"]);
    assert_eq!(words("snapshot_taken"), ["snapshot", "taken"]);
    assert_eq!(words(""), [""; 0]);
    assert!(!is_past("led_by") && is_past("led"));
}
