//! What happens in the quarter, decided before it begins.

use std::{collections::BTreeMap, time::Duration};

use annals::Timestamp;

use crate::{
    domain::{
        AccountId, CustomerId, Iban, Money, Transfer,
        account::{PayInterest, Rate},
        transfer::TransferId,
    },
    random::Random,
};

const SEED: u64 = 1_793_517;
const DAY_SECS: u64 = 24 * 60 * 60;
/// 2026-01-01T00:00:00Z, in seconds after the epoch.
const QUARTER_BEGINS_SECS: u64 = 1_767_225_600;
const QUARTER_DAYS: u64 = 90;
const INTEREST: PayInterest = PayInterest { rate: Rate::from_basis_points(150), days: 90 };
const FIRST_NAMES: [&str; 12] =
    ["Ada", "Bohdan", "Clara", "Deniz", "Emil", "Farida", "Goran", "Hana", "Ivo", "Jana", "Karim", "Lea"];
const LAST_NAMES: [&str; 10] =
    ["Novak", "Okafor", "Petrov", "Quist", "Rossi", "Svoboda", "Tanaka", "Urban", "Vesely", "Wolf"];

/// How big a plan is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many accounts, at least 2.
    pub accounts: u64,
    /// How many transactions, at least one for each account: its interest.
    pub transactions: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { accounts: 1_000, transactions: 50_000 }
    }
}

/// Someone who is registered before the quarter.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    /// The id.
    pub id: CustomerId,
    /// The name.
    pub name: String,
}

/// An account that is opened on the first day.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The id.
    pub id: AccountId,
    /// Whose it is.
    pub owner: CustomerId,
    /// How other banks call it.
    pub iban: Option<Iban>,
    /// How far it may be overdrawn.
    pub overdraft_limit: Money,
    /// What is paid in at once: enough for everything that will leave the account.
    pub deposit: Money,
}

/// One transaction.
#[derive(Debug, Clone)]
pub struct Step {
    /// The idempotency key of its command.
    pub key: String,
    /// When it happens.
    pub occurred: Timestamp,
    /// What happens.
    pub action: Action,
}

/// What a transaction does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Cash is paid in.
    Deposit(AccountId, Money),
    /// Cash is paid out.
    Withdraw(AccountId, Money),
    /// Money goes to another account.
    Transfer(Transfer),
    /// Interest is paid.
    PayInterest(AccountId, PayInterest),
}

/// Everything that happens in the quarter, in four parts that follow each other. Within a part **no order refuses
/// anything**: an account's opening deposit covers all that will ever leave it. So 64 callers may work through a part
/// as they like, and after a crash the same plan is simply run again.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Registered first.
    pub customers: Vec<NewCustomer>,
    /// Opened then.
    pub accounts: Vec<NewAccount>,
    /// Deposits, withdrawals and transfers, by time.
    pub movements: Vec<Step>,
    /// Paid at the end of the quarter on whatever the balance is by then, to every account.
    pub interest: Vec<Step>,
}

impl Plan {
    /// The plan of a size: always the same one.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let mut random = Random::seeded(SEED);
        let ids: Vec<_> = (1..=size.accounts.max(2)).map(|number| AccountId::from(format!("A-{number:04}"))).collect();
        let movements = movements(&ids, size.transactions.saturating_sub(ids.len() as u64), &mut random);
        let customers = customers(ids.len() as u64 * 4 / 5, &mut random);
        let accounts = accounts(&ids, &customers, &outgoing(&movements), &mut random);
        let interest = ids.iter().map(|id| Step {
            key: format!("quarter-interest-{id}"),
            occurred: after(QUARTER_DAYS * DAY_SECS - 1),
            action: Action::PayInterest(id.clone(), INTEREST),
        });
        Self { customers, accounts, movements, interest: interest.collect() }
    }

    /// How many transactions there are.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        (self.movements.len() + self.interest.len()) as u64
    }

    /// What is on every account at the end.
    #[must_use]
    pub fn balances(&self) -> BTreeMap<AccountId, Money> {
        let opened = self.accounts.iter().map(|account| (account.id.clone(), account.deposit));
        let mut balances: BTreeMap<_, _> = opened.collect();
        let mut change = |account: &AccountId, amount| *balances.entry(account.clone()).or_default() += amount;
        for step in &self.movements {
            match &step.action {
                Action::Deposit(account, amount) => change(account, *amount),
                Action::Withdraw(account, amount) => change(account, -*amount),
                Action::Transfer(transfer) => {
                    change(&transfer.from, -transfer.amount);
                    change(&transfer.to, transfer.amount);
                }
                Action::PayInterest(..) => {}
            }
        }
        for balance in balances.values_mut() {
            *balance += INTEREST.rate.interest(*balance, INTEREST.days);
        }
        balances
    }

    /// The time at which the accounts are opened.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        after(0)
    }
}

/// The time `seconds` after the quarter began.
fn after(seconds: u64) -> Timestamp {
    Timestamp::EPOCH.saturating_add(Duration::from_secs(QUARTER_BEGINS_SECS + seconds))
}

fn movements(ids: &[AccountId], count: u64, random: &mut Random) -> Vec<Step> {
    let mut times: Vec<_> = (0..count).map(|_| random.below((QUARTER_DAYS - 1) * DAY_SECS)).collect();
    times.sort_unstable();
    let steps = times.into_iter().enumerate().filter_map(|(index, second)| {
        let number = index + 1;
        let account = random.pick(ids)?.clone();
        let action = match random.below(20) {
            0..8 => Action::Deposit(account, amount(random)),
            8..14 => Action::Withdraw(account, amount(random)),
            _ => Action::Transfer(Transfer {
                id: TransferId::new(format!("T-{number:05}")),
                to: other_than(&account, ids, random)?,
                from: account,
                amount: amount(random),
            }),
        };
        Some(Step { key: format!("quarter-{number:05}"), occurred: after(DAY_SECS / 2 + second), action })
    });
    steps.collect()
}

/// Mostly small, sometimes large, never with a fraction of a minor unit.
fn amount(random: &mut Random) -> Money {
    let top = if random.below(20) == 0 { 500_000 } else { 20_000 };
    Money::from_minor(random.between(100, top))
}

fn other_than(account: &AccountId, ids: &[AccountId], random: &mut Random) -> Option<AccountId> {
    let place = ids.iter().position(|id| id == account)? as u64;
    let others = ids.len() as u64 - 1;
    let other = (place + 1 + random.below(others)) % ids.len() as u64;
    ids.get(usize::try_from(other).ok()?).cloned()
}

fn outgoing(movements: &[Step]) -> BTreeMap<AccountId, Money> {
    let mut outgoing = BTreeMap::new();
    for step in movements {
        if let Action::Withdraw(from, amount) | Action::Transfer(Transfer { from, amount, .. }) = &step.action {
            *outgoing.entry(from.clone()).or_default() += *amount;
        }
    }
    outgoing
}

fn customers(count: u64, random: &mut Random) -> Vec<NewCustomer> {
    let new_customer = |number| {
        let (first, last) = (random.pick(&FIRST_NAMES)?, random.pick(&LAST_NAMES)?);
        Some(NewCustomer { id: CustomerId::from(format!("C-{number:04}")), name: format!("{first} {last}") })
    };
    (1..=count.max(1)).filter_map(new_customer).collect()
}

fn accounts(
    ids: &[AccountId],
    customers: &[NewCustomer],
    outgoing: &BTreeMap<AccountId, Money>,
    random: &mut Random,
) -> Vec<NewAccount> {
    let new_account = |(number, id): (u64, &AccountId)| {
        let spare = Money::from_minor(random.between(1_000, 1_000_000));
        Some(NewAccount {
            id: id.clone(),
            owner: random.pick(customers)?.id.clone(),
            iban: Iban::of_number(number),
            overdraft_limit: Money::from_minor(random.between(0, 10) * 10_000),
            deposit: outgoing.get(id).copied().unwrap_or_default() + spare,
        })
    };
    (1..).zip(ids).filter_map(new_account).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_plan_has_its_size_and_every_key_once() {
        let plan = Plan::of(Size::default());
        assert_eq!((plan.customers.len(), plan.accounts.len()), (800, 1_000));
        let keys: BTreeSet<_> = plan.movements.iter().chain(&plan.interest).map(|step| &step.key).collect();
        assert_eq!(keys.len(), 50_000);
    }

    #[test]
    fn the_plan_is_the_same_every_time() {
        let plans = [Plan::of(Size::default()), Plan::of(Size::default())];
        assert_eq!(format!("{:?}", plans[0]), format!("{:?}", plans[1]));
    }

    /// The worst order for an account is everything out before anything in.
    #[test]
    fn no_order_refuses_a_movement() {
        let plan = Plan::of(Size::default());
        let outgoing = outgoing(&plan.movements);
        assert!(plan.accounts.iter().all(|new| new.deposit >= outgoing.get(&new.id).copied().unwrap_or_default()));
        assert!(plan.movements.iter().all(|step| match &step.action {
            Action::Deposit(_, amount) | Action::Withdraw(_, amount) => amount.is_amount(),
            Action::Transfer(transfer) => transfer.amount.is_amount() && transfer.from != transfer.to,
            Action::PayInterest(..) => false,
        }));
    }

    #[test]
    fn everything_happens_within_the_quarter_in_order() {
        let plan = Plan::of(Size::default());
        let times: Vec<_> = plan.movements.iter().chain(&plan.interest).map(|step| step.occurred).collect();
        assert!(times.is_sorted());
        assert!(times.first() > Some(&plan.begins()));
        assert_eq!(times.last().map(ToString::to_string).as_deref(), Some("2026-03-31T23:59:59Z"));
    }
}
