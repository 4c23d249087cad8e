//! Owns the choreography as real processes and over real servers, for tests: who starts, who watches, who ends.
//! Never a handler of the product: scripts stand in for the four agents, so that a test knows what must come out.
//! Next: `site` is where the servers are, `flock` the daemons as processes, `wish` a goal and its end.

pub mod agents;
mod flock;
mod load;
pub mod run;
pub mod sample;
mod site;
mod stage;
mod standin;
mod wish;

pub use flock::{Bird, Flock, built};
pub use load::{Counts, Load};
pub use site::Site;
pub use stage::Stage;
pub use standin::Standin;
pub use wish::Wish;
