//! Owns the rules of the house that a compiler does not check: who imports whom, sizes, names, what the pages claim.
//! Never fixes anything and never looks outside of the repository: every check is a function from what was read to
//! the list of problems, so that each is also shown a planted violation.
//! Next: `house` reads the repository; `directions`, `sources`, `functions`, `delivery_table`, `pages` judge it.

mod delivery_table;
mod directions;
mod functions;
mod house;
mod pages;
mod sources;
mod tokens;
