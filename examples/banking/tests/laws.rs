//! What holds for every aggregate, for those of the bank. After a change that is meant, `ANNALS_BLESS=1` writes the
//! golden files anew.

use banking::domain::{
    AccountId, CustomerId, Iban, Money,
    account::{AccountEvent, Product, TransactionKind},
    customer::CustomerEvent,
    transfer::TransferId,
};

const fn money(minor: i64) -> Money {
    Money::from_minor(minor)
}

/// An account of this bank with everything that can happen to it, and one that was taken over from another bank.
fn accounts() -> Vec<Vec<AccountEvent>> {
    let transfer = TransferId::new("rent");
    let owned = vec![
        AccountEvent::Opened {
            owner: CustomerId::from("ada"),
            iban: Iban::of_number(7),
            product: Product::Current { overdraft_limit: money(5_000) },
        },
        AccountEvent::Deposited { amount: money(100_000) },
        AccountEvent::Withdrawn { amount: money(104_999) },
        AccountEvent::TransferReceived {
            transfer: transfer.clone(),
            from: AccountId::from("bob"),
            amount: money(7_000),
        },
        AccountEvent::InterestCredited { amount: money(1) },
        AccountEvent::TransferSent { transfer, to: AccountId::from("eve"), amount: money(2_002) },
        AccountEvent::Closed {},
    ];
    let recorded = |change, balance| AccountEvent::TransactionRecorded {
        reference: "A-17".to_owned(),
        kind: TransactionKind::Pension,
        change: money(change),
        balance: money(balance),
    };
    let imported = vec![
        AccountEvent::Imported {},
        recorded(110_000, 110_000),
        recorded(-50_000, 60_010),
        AccountEvent::BalanceCorrected { difference: money(10), balance: money(60_010) },
    ];
    vec![owned, imported]
}

/// A savings account.
fn savings() -> Vec<Vec<AccountEvent>> {
    let opened =
        AccountEvent::Opened { owner: CustomerId::from("ada"), iban: Iban::of_number(9), product: Product::Savings };
    let interest = AccountEvent::InterestCredited { amount: money(200) };
    vec![vec![opened, AccountEvent::Deposited { amount: money(10_000) }, interest]]
}

fn customers() -> Vec<Vec<CustomerEvent>> {
    let named = |name: &str| name.to_owned();
    vec![vec![CustomerEvent::Registered { name: named("Ada") }, CustomerEvent::Renamed { name: named("Eve") }]]
}

/// Its golden file was written when accounts were opened in version 1 and interest was stored as paid. Do not write it
/// anew without need: it shows that such events are still read, and fold to what they did.
mod account {
    use banking::domain::account::{Account, Close, Deposit, ImportTransaction, Open, PayInterest, Rate, Withdraw};

    use super::*;

    annals::aggregate_laws!(
        Account,
        histories: accounts(),
        commands: [
            Open {
                owner: CustomerId::from("bob"),
                iban: Iban::of_number(8),
                overdraft_limit: money(0),
                deposit: money(300),
            },
            Deposit { amount: money(100) },
            Withdraw { amount: money(100) },
            PayInterest { rate: Rate::from_basis_points(200), days: 365 },
            ImportTransaction {
                reference: "A-18".to_owned(),
                kind: TransactionKind::Loan,
                change: money(-100),
                balance: money(0),
            },
            Close {},
        ],
        golden: "tests/golden/account.txt",
    );
}

/// Its golden file has the forms of today.
mod savings {
    use banking::domain::account::{Account, OpenSavings, Withdraw};

    use super::*;

    annals::aggregate_laws!(
        Account,
        histories: savings(),
        commands: [
            OpenSavings { owner: CustomerId::from("bob"), iban: Iban::of_number(8), deposit: money(300) },
            Withdraw { amount: money(100) },
        ],
        golden: "tests/golden/savings.txt",
    );
}

mod customer {
    use banking::domain::customer::{Customer, Register, Rename};

    use super::*;

    annals::aggregate_laws!(
        Customer,
        histories: customers(),
        commands: [Register { name: "Bob".to_owned() }, Rename { name: "Bob".to_owned() }],
        golden: "tests/golden/customer.txt",
    );
}
