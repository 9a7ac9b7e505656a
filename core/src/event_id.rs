//! Ids that the framework makes: of events, commands and conversations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, version 7: ids made later sort later, to the millisecond.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "every call gives another id, which a default must not")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The plain UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

uuid_type! {
    /// The id of one event. It is carried, never used to order or to recognise repetitions.
    EventId
}

uuid_type! {
    /// The id of one command that was sent.
    CommandId
}

uuid_type! {
    /// The id of a conversation: everything that one first cause led to.
    CorrelationId
}
