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

mod kit {
    //! Several aggregates, boundaries, names.

    use super::*;
    use crate::{
        Boundary, Evolve, Selection, at, in_stream, kinds,
        testing::{claims, emitted, given_boundary, releases, together, transfers},
    };

    #[derive(Debug, Default, Clone, PartialEq)]
    struct Machine(u64);

    impl Evolve<AccountEvent> for Machine {
        fn evolve(&mut self, event: &AccountEvent) {
            if let AccountEvent::Withdrawn { amount, .. } = event {
                self.0 += amount;
            }
        }
    }

    impl Boundary for Machine {
        type Id = String;
        fn select(atm: &String) -> Selection<Self> {
            Selection::of(kinds![AccountEvent::Withdrawn]).tag("atm", atm)
        }
    }

    fn withdrawn(amount: u64, atm: &str) -> AccountEvent {
        AccountEvent::Withdrawn { amount, atm: atm.into() }
    }

    #[test]
    fn several_aggregates_are_decided_about_without_a_store() {
        let both = || together((given::<Account>([deposited(10)]).id("a"), given::<Account>([]).id("b")));
        let then = both()
            .when(|(a, b)| {
                assert_eq!((a.id().as_str(), b.id().as_str()), ("a", "b"));
                assert_ne!(a.new_id(), b.new_id());
                b.emit(deposited(a.balance));
                Ok::<_, AccountError>(b.balance)
            })
            .then_each((vec![], vec![deposited(10)]))
            .replies(10);
        assert_eq!((then.state().0.balance, then.state().1.balance), (10, 10));
        let missing = || AccountError::Short { missing: 1 };
        both().when(|_| Err::<(), _>(missing())).refused(missing());
        let text = failure(|| {
            let _ = both().when(|_| Ok::<_, AccountError>(())).then_each((vec![], vec![deposited(1)]));
        });
        assert!(text.contains("-             amount: 1,"), "{text}");
    }

    #[test]
    fn a_boundary_folds_what_it_selects_and_shows_what_was_emitted_where() {
        let north = || given_boundary::<Machine>("north").events([withdrawn(3, "north"), withdrawn(4, "south")]);
        let take = |machine: &mut crate::BoundaryDecision<Machine>| {
            machine.emit(at::<Account>("a"), withdrawn(5, "north"));
            machine.emit(in_stream("note", 1), deposited(1));
            Ok::<_, AccountError>(machine.0)
        };
        let expected =
            [emitted(at::<Account>("a"), withdrawn(5, "north")), emitted(in_stream("note", 1), deposited(1))];
        let then = north().when(take).then_emitted(expected.clone()).replies(8);
        assert_eq!(*then.state(), Machine(8));
        let [_, other] = expected;
        let elsewhere = emitted(at::<Account>("b"), withdrawn(6, "north"));
        let text = failure(|| drop(north().when(take).then_emitted([elsewhere, other])));
        assert!(text.contains("-             key: \"b\",") && text.contains("+             key: \"a\","), "{text}");
        assert!(text.contains("-         content: \"{\\\"amount\\\": 6"), "{text}");
    }

    #[test]
    fn what_is_said_of_names_is_looked_at() {
        let say = || {
            given::<Account>([]).decide(|account| {
                account.claim("iban", "DE1");
                account.release("iban", "DE2");
                account.transfer("iban", "DE3", at::<Account>("b"));
                Ok::<_, AccountError>(())
            })
        };
        let said = [claims("iban", "DE1"), releases("iban", "DE2"), transfers("iban", "DE3", at::<Account>("b"))];
        let _ = say().then_nothing().names(said);
        let text = failure(|| drop(say().then_nothing().names([claims("iban", "DE1")])));
        assert!(text.contains("something else was said of names") && text.contains("DE2"), "{text}");
    }
}
