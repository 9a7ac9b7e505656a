//! The aggregate of this crate's own tests, written by hand.

use std::num::NonZeroU64;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Command, Decision, Event, EventKind, Evolve, Handle, InvalidText, SnapshotPolicy, Snapshots, Tag,
    codec::{self, EncodeError, PayloadError},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened {
        owner: String,
    },
    Deposited {
        amount: u64,
    },
    Withdrawn {
        amount: u64,
        atm: String,
    },
    /// Its fold panics.
    Cursed,
}

impl Event for AccountEvent {
    const KINDS: &'static [EventKind] = &[
        EventKind::new("Opened", "account.opened", 1),
        EventKind::new("Deposited", "account.deposited", 1),
        EventKind::new("Withdrawn", "account.withdrawn", 2),
        EventKind::new("Cursed", "account.cursed", 1),
    ];
    fn kind(&self) -> &'static EventKind {
        match self {
            Self::Opened { .. } => &Self::KINDS[0],
            Self::Deposited { .. } => &Self::KINDS[1],
            Self::Withdrawn { .. } => &Self::KINDS[2],
            Self::Cursed => &Self::KINDS[3],
        }
    }
    fn tags(&self) -> Result<Vec<Tag>, InvalidText> {
        match self {
            Self::Withdrawn { atm, .. } => Ok(vec![Tag::of("atm", atm)?]),
            _ => Ok(vec![]),
        }
    }
    fn encode(&self) -> Result<Bytes, EncodeError> {
        codec::encode_variant(self)
    }
    fn decode(kind: usize, payload: &[u8]) -> Result<Self, PayloadError> {
        codec::decode_variant(kind as u32, payload)
    }
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) owner: Option<String>,
    pub(crate) balance: u64,
    pub(crate) history: Vec<u64>,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner.clone()),
            AccountEvent::Deposited { amount } => self.balance += amount,
            AccountEvent::Withdrawn { amount, .. } => self.balance -= amount,
            AccountEvent::Cursed => panic!("a cursed event"),
        }
        self.history.push(self.balance);
    }
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Id = String;
    type Event = AccountEvent;
    fn snapshots() -> Option<Snapshots<Self>> {
        Some(Snapshots {
            policy: SnapshotPolicy::Every(NonZeroU64::new(10).unwrap()),
            version: 1,
            shape: "owner: Option<String>, balance: u64, history: Vec<u64>",
            past: &[],
            encode: |account| codec::encode("account", account),
            decode: codec::decode,
        })
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("{missing} is missing")]
    Short { missing: u64 },
}

macro_rules! command {
    ($(#[$derive:meta])* $name:ident $fields:tt, $text:literal) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) struct $name $fields
        impl Command for $name {
            const NAME: &'static str = $text;
            const VERSION: u32 = 1;
        }
    };
}

command!(Deposit { pub(crate) amount: u64 }, "deposit");
command!(Withdraw { pub(crate) amount: u64 }, "withdraw");

/// Neither a `Command` nor with a `Reply` that could be recorded: sent without a key it needs neither.
#[derive(Clone)]
pub(crate) struct DepositMany(pub(crate) Vec<u64>);

/// Emits nothing.
#[derive(Clone)]
pub(crate) struct Look;

#[derive(Clone)]
pub(crate) struct Panic;

#[derive(Debug)]
pub(crate) struct Unrecordable;

impl Handle<Deposit> for Account {
    type Reply = u64;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: Deposit) -> Result<u64, AccountError> {
        account.emit(AccountEvent::Deposited { amount: command.amount });
        Ok(account.balance)
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: Withdraw) -> Result<u64, AccountError> {
        if command.amount > account.balance {
            return Err(AccountError::Short { missing: command.amount - account.balance });
        }
        account.emit(AccountEvent::Withdrawn { amount: command.amount, atm: "north".into() });
        Ok(account.balance)
    }
}

impl Handle<DepositMany> for Account {
    type Reply = Unrecordable;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: DepositMany) -> Result<Unrecordable, AccountError> {
        for amount in command.0 {
            account.emit(AccountEvent::Deposited { amount });
        }
        Ok(Unrecordable)
    }
}

impl Handle<Look> for Account {
    type Reply = u64;
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, _: Look) -> Result<u64, AccountError> {
        Ok(account.balance)
    }
}

impl Handle<Panic> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(_: &mut Decision<Self>, _: Panic) -> Result<(), AccountError> {
        panic!("out of cash")
    }
}
