//! What the bank knows and decides. Nothing here knows of files, tables on a screen, or a store.

pub mod account;
pub mod customer;
pub mod iban;
pub mod money;
pub mod transfer;

pub use account::{Account, AccountId};
pub use customer::{Customer, CustomerId};
pub use iban::Iban;
pub use money::Money;
pub use transfer::Transfer;
