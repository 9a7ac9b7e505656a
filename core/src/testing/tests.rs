use crate::account::{Account, AccountError, AccountEvent, Deposit, Look, Withdraw};

use super::given;

const fn deposited(amount: u64) -> AccountEvent {
    AccountEvent::Deposited { amount }
}

/// The message of a test that fails.
fn failure(test: impl FnOnce()) -> String {
    crate::load::catch(test).unwrap_err()
}

#[test]
fn passing_tests_pass() {
    // 2.K.2 and 2.K.4.
    let withdrawn = AccountEvent::Withdrawn { amount: 4, atm: "north".into() };
    let then = given::<Account>([deposited(10)]).when(Withdraw { amount: 4 }).then([withdrawn]).replies(6);
    assert_eq!(then.state().history, [10, 6]);
    given::<Account>([deposited(10)]).when(Withdraw { amount: 14 }).refused(AccountError::Short { missing: 4 });
    given::<Account>([]).when(Look).then_nothing().replies(0);
    given::<Account>([]).when(Deposit { amount: 3 }).replies(3);
}

#[test]
fn other_events_are_shown_line_by_line() {
    let text = failure(|| {
        let _ = given::<Account>([]).when(Deposit { amount: 3 }).then([deposited(4)]);
    });
    let lines: Vec<_> = text.lines().collect();
    let expected = ["  [", "      Deposited {", "-         amount: 4,", "+         amount: 3,", "      },", "  ]"];
    assert_eq!(lines, [&["other events were emitted (- expected, + found):"], &expected[..]].concat());
}

#[test]
fn an_unexpected_outcome_is_told() {
    let refused = failure(|| {
        let _ = given::<Account>([]).when(Withdraw { amount: 3 }).then_nothing();
    });
    assert!(refused.contains("expected that it is accepted, but it was refused with Short"), "{refused}");
    let accepted = failure(|| given::<Account>([]).when(Look).refused(AccountError::Short { missing: 1 }));
    assert!(accepted.contains("but it was accepted with reply 0"), "{accepted}");
    let reply = failure(|| {
        let _ = given::<Account>([]).when(Look).replies(1);
    });
    assert!(reply.contains("it replied something else"), "{reply}");
    let other = failure(|| {
        given::<Account>([]).when(Withdraw { amount: 3 }).refused(AccountError::Short { missing: 1 });
    });
    assert!(other.contains("-     missing: 1,") && other.contains("+     missing: 3,"), "{other}");
}
