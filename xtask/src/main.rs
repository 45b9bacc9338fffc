//! Tasks of the repository: `tidy` checks the architecture, `loom` explores races, `browser` tests in browsers, `setup`
//! installs what the tests need, `ci` is all that must pass.

mod ci;
mod setup;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A task stops at the first thing that it cannot do; the message is for a person.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "\
Usage: cargo xtask <task>

  setup             install what the tests need beside Rust, Node and Python
  tidy              check the architecture invariants, and print each violation
  loom              explore the races of the log and of the hub in all their schedules
  browser [file..]  run the tests in Chromium and Firefox
  ci                everything that must pass: setup, format, clippy, tidy, tests, loom, SDK, browsers, docs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["setup"] => setup::run(&root()),
        ["tidy"] => tidy::run(&root()),
        ["loom"] => ci::loom(&root()),
        ["browser", ref files @ ..] => {
            setup::run(&root()).and_then(|()| ci::browser(&root(), ci::BROWSED, &[], files))
        }
        ["ci"] => ci::run(&root()),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace. Cargo says where xtask's own manifest is, also when it runs the tests.
fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    manifest.parent().unwrap_or(Path::new(".")).to_path_buf()
}
