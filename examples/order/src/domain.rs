//! What the shop knows and decides. Nothing here knows of files, tables on a screen, or a store; nor of the [processes](crate::process)
//! that lead from one thing to the next.

pub mod invoice;
pub mod money;
pub mod order;
pub mod package;
pub mod payment;
pub mod shipment;
pub mod stock;

pub use invoice::{Invoice, InvoiceNo};
pub use money::Money;
pub use order::{CustomerId, Line, Order, OrderId, Terms};
pub use package::{Package, PackageId};
pub use payment::Payment;
pub use shipment::Shipment;
pub use stock::{ProductId, StockItem};
