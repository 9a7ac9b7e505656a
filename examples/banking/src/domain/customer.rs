//! Who accounts belong to.

use std::fmt;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

/// Names a customer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Shape, AggregateId, RowKey)]
pub struct CustomerId(String);

/// What happened to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(prefix = "customer")]
pub enum CustomerEvent {
    /// The bank knows the customer from here on.
    #[event(example = Self::Registered { name: "Ada".to_owned() })]
    Registered {
        /// What the customer is called.
        name: String,
    },
    /// The customer is called something else.
    #[event(example = Self::Renamed { name: "Eve".to_owned() })]
    Renamed {
        /// What the customer is called now.
        name: String,
    },
}

/// One customer, folded from its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Aggregate)]
#[aggregate(name = "customer", id = CustomerId, event = CustomerEvent)]
pub struct Customer {
    /// What the customer is called; `None` before it is registered.
    pub name: Option<String>,
}

impl Evolve<CustomerEvent> for Customer {
    fn evolve(&mut self, event: &CustomerEvent) {
        match event {
            CustomerEvent::Registered { name } | CustomerEvent::Renamed { name } => self.name = Some(name.clone()),
        }
    }
}

/// Makes a customer known to the bank.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct Register {
    /// What the customer is called.
    pub name: String,
}

/// Gives a customer another name.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub struct Rename {
    /// The new name.
    pub name: String,
}

/// Why a command about a customer is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerError {
    /// There is such a customer already.
    AlreadyRegistered,
    /// There is no such customer. Register it first.
    NotRegistered,
    /// A name is asked for.
    NameMissing,
}

impl fmt::Display for CustomerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyRegistered => "the customer is registered already",
            Self::NotRegistered => "the customer is not registered",
            Self::NameMissing => "a customer needs a name",
        })
    }
}

impl std::error::Error for CustomerError {}

impl Handle<Register> for Customer {
    type Reply = ();
    type Error = CustomerError;
    fn handle(customer: &mut Decision<Self>, command: Register) -> Result<(), CustomerError> {
        if customer.name.is_some() {
            return Err(CustomerError::AlreadyRegistered);
        }
        let name = checked(command.name)?;
        customer.emit(CustomerEvent::Registered { name });
        Ok(())
    }
}

impl Handle<Rename> for Customer {
    type Reply = ();
    type Error = CustomerError;
    fn handle(customer: &mut Decision<Self>, command: Rename) -> Result<(), CustomerError> {
        if customer.name.is_none() {
            return Err(CustomerError::NotRegistered);
        }
        let name = checked(command.name)?;
        if customer.name.as_ref() != Some(&name) {
            customer.emit(CustomerEvent::Renamed { name });
        }
        Ok(())
    }
}

fn checked(name: String) -> Result<String, CustomerError> {
    if name.trim().is_empty() { Err(CustomerError::NameMissing) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use annals::testing::given;

    use super::*;

    fn name(name: &str) -> String {
        name.to_owned()
    }

    #[test]
    fn a_customer_is_registered_once() {
        let registered = CustomerEvent::Registered { name: name("Ada") };
        given::<Customer>([]).when(Register { name: name("Ada") }).then([registered.clone()]);
        given::<Customer>([registered]).when(Register { name: name("Bob") }).refused(CustomerError::AlreadyRegistered);
    }

    #[test]
    fn a_customer_needs_a_name() {
        given::<Customer>([]).when(Register { name: name(" ") }).refused(CustomerError::NameMissing);
    }

    #[test]
    fn only_a_registered_customer_is_renamed_and_only_to_another_name() {
        given::<Customer>([]).when(Rename { name: name("Ada") }).refused(CustomerError::NotRegistered);
        let registered = CustomerEvent::Registered { name: name("Ada") };
        given::<Customer>([registered.clone()]).when(Rename { name: name("Ada") }).then_nothing();
        let renamed = CustomerEvent::Renamed { name: name("Eve") };
        given::<Customer>([registered]).when(Rename { name: name("Eve") }).then([renamed]);
    }
}
