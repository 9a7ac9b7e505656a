//! Commands that several things decide about together.

use crate::{Command, Targets};

/// A command that is not one aggregate's to decide: money that goes from one account to another, stock of several articles that
/// is reserved at once. It says which aggregates and [boundaries](crate::Boundary) it concerns, and how is decided; what they
/// emit is one commit. Send it with [`Annals::send`](crate::Annals::send).
///
/// What is decided once, in one place, without a type of its own is [`Annals::together`](crate::Annals::together).
///
/// ```
/// use annals_core::{Annals, At, JointCommand, MemoryStore, at};
/// use serde::{Deserialize, Serialize};
#[doc = include_str!("doc/counter.txt")]
/// /// People leave who were counted as they came.
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Leave { entrance: String, exit: String, people: u32 }
/// # impl Command for Leave { const NAME: &'static str = "leave"; const VERSION: u32 = 1; }
///
/// impl JointCommand for Leave {
///     type Targets = (At<Counter>, At<Counter>);
///     type Reply = u32;
///     type Error = String;
///
///     fn targets(&self) -> Self::Targets {
///         (at::<Counter>(&self.entrance), at::<Counter>(&self.exit))
///     }
///
///     fn decide(&self, (entrance, exit): (&mut Decision<Counter>, &mut Decision<Counter>)) -> Result<u32, String> {
///         if exit.total + self.people > entrance.total {
///             return Err(format!("only {} came in", entrance.total));
///         }
///         exit.emit(Counted::Incremented { by: self.people });
///         Ok(entrance.total - exit.total)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let annals = Annals::over(MemoryStore::new()).open().await?;
/// annals.on::<Counter>("north").send(Increment { by: 3 }).await?;
/// let leave = Leave { entrance: "north".into(), exit: "south".into(), people: 2 };
/// assert_eq!(annals.send(leave.clone()).await?.reply, 1);
/// assert!(annals.send(leave).await.is_err());
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which aggregates or boundaries decide about it together",
    note = "write `impl JointCommand for {Self}`; or name the one aggregate that handles it: `annals.on::<A>(id).send(..)`"
)]
pub trait JointCommand: Command {
    /// What it concerns: aggregates ([`At`](crate::At)), boundaries ([`Within`](crate::Within)), tuples and lists of them.
    type Targets: Targets;
    /// What the sender is answered.
    type Reply: Send;
    /// Why it may be refused.
    type Error: Send;

    /// Which ones it concerns. Pure: the same command, the same targets.
    fn targets(&self) -> Self::Targets;

    /// Decides. Pure; it is run again on what came in between.
    ///
    /// # Errors
    /// A refusal: nothing is written.
    fn decide(&self, of: <Self::Targets as Targets>::In<'_>) -> Result<Self::Reply, Self::Error>;
}
