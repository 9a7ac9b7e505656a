//! A generated quarter of a bank: 1,000 accounts and 50,000 transactions, the same ones in every run.

mod apart;
mod balance;
mod disk;
mod plan;
mod run;

pub use apart::{Answer, Apart, refuse_and_conflict};
pub use balance::{Balance, balances};
pub use disk::Disk;
pub use plan::{Action, NewAccount, NewCustomer, Plan, Size, Step};
pub use run::{Outcome, RunError, run};
