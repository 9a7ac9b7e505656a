//! What is promised of the shop, a file each.

mod import;
