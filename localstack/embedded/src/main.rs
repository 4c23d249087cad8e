//! Owns the program `embedded-cloud`, and nothing of it: the library has it whole, so that tests run the same one.
//! Never a flag, never a line of output.
//! Next: `embedded_cloud::program`.

use std::process::ExitCode;

fn main() -> ExitCode {
    embedded_cloud::program()
}
