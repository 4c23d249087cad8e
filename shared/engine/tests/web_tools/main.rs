//! PROVES what agents may do on the web: never inwards, within bounds, politely, remembered, and replayed.
//!
//! Invariant: nothing here leaves this machine; every port is of this process, and every name resolves as a test says.
//! Next: `desk` is what the tests stand on; `address` and `inward` are case 44 of docs/delivery.md.

mod address;
mod caching;
mod config;
mod desk;
mod inward;
mod manners;
mod pages;
mod search;
