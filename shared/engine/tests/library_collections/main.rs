//! Owns the tests of collections: what daemons find in them, and what becomes of their versions.
//! Never a sleep: time is paused where a second must pass.
//! Next: `readings` makes sources, `folder` is a store of files.

mod finding;
mod folder;
mod readings;
mod versions;
