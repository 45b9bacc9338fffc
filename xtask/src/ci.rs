//! What must pass before a change is taken: the same steps on a desk and on the build machine.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cargo_metadata::MetadataCommand;

use crate::{Result, setup, tidy};

/// Variables for a program, beside those that this one has.
type Environment = &'static [(&'static str, &'static str)];

/// Runs every step in order, prints how long each took, and stops at the first that fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let begin = Instant::now();
    let pace = pace(root)?;
    step("setup", || setup::run(root))?;
    step("format", || cargo(root, &["fmt", "--all", "--", "--check"], &[]))?;
    step("clippy", || {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], pace)
    })?;
    step("tidy", || tidy::run(root))?;
    step("test", || cargo(root, &["test", "--workspace", "--all-targets"], pace))?;
    step("doc tests", || cargo(root, &["test", "--workspace", "--doc"], pace))?;
    step("loom", || loom(root))?;
    step("sdk", || npm_test(&root.join("clients/js"), &[], &[]))?;
    // With all targets, as the tests were built: then hardly anything is left to build.
    step("browser", || browser(root, &["--workspace", "--all-targets"], pace, &[]))?;
    step("docs", || {
        let strict = [&[("RUSTDOCFLAGS", "-D warnings")], pace].concat();
        cargo(root, &["doc", "--workspace", "--lib", "--no-deps"], &strict)
    })?;
    println!("\nci: all passed in {}", seconds(begin.elapsed()));
    Ok(())
}

/// Explores the races of each crate that has a test file `tests/loom.rs`.
pub(crate) fn loom(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    // Loom replaces the atomics of the whole build, so its artefacts live apart from the others.
    let folder = metadata.target_directory.join("loom");
    let flags = format!("{} --cfg loom", std::env::var("RUSTFLAGS").unwrap_or_default());
    for package in &metadata.packages {
        if package.targets.iter().any(|target| target.is_test() && target.name == "loom") {
            let name = package.name.as_str();
            let arguments =
                ["test", "--release", "--package", name, "--test", "loom", "--target-dir", folder.as_str()];
            cargo(root, &arguments, &[("RUSTFLAGS", flags.trim())])?;
        }
    }
    Ok(())
}

/// What the browsers need.
pub(crate) const BROWSED: &[&str] =
    &["--package", "encke-gateway", "--package", "chat", "--package", "quotes"];

/// Builds `what`, and runs these files of `tests/browser` against the gateway and the examples, or all.
pub(crate) fn browser(root: &Path, what: &[&str], pace: Environment, files: &[&str]) -> Result<()> {
    cargo(root, &[&["build"], what].concat(), pace)?;
    let target = MetadataCommand::new().current_dir(root).no_deps().exec()?.target_directory;
    let gateway = target.join("debug").join("encke");
    npm_test(&root.join("tests/browser"), files, &[("ENCKE_BIN", gateway.as_str())])
}

fn npm_test(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let mut command = Command::new("npm");
    command.args(["test", "--"]).args(arguments).envs(environment.iter().copied());
    execute(command.current_dir(folder))
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let begin = Instant::now();
    work().map_err(|error| format!("== {name}: failed after {}: {error}", seconds(begin.elapsed())))?;
    println!("== {name}: passed in {}", seconds(begin.elapsed()));
    Ok(())
}

/// What makes a build from nothing faster: what later builds could go on from is not kept, nor what debuggers read.
/// Elsewhere it would have our own crates built anew.
fn pace(root: &Path) -> Result<Environment> {
    let target = MetadataCommand::new().current_dir(root).no_deps().exec()?.target_directory;
    let built = std::fs::read_dir(target.join("debug").join("deps")).into_iter().flatten().flatten();
    let mut names = built.map(|file| file.file_name());
    let was_built = names.any(|name| name.to_string_lossy().starts_with("libencke_core-"));
    Ok(if was_built { &[] } else { &[("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "none")] })
}

fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    execute(Command::new(program).args(arguments).envs(environment.iter().copied()).current_dir(root))
}

/// Output goes straight to the terminal: nothing of what the program says is held back.
pub(crate) fn execute(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    let said = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let status = command.status().map_err(|error| format!("{said}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{said}: {status}").into()) }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_says_its_name_and_why() {
        let error = step("format", || Err("line too long".into())).unwrap_err().to_string();
        assert!(
            error.starts_with("== format: failed after ") && error.ends_with(": line too long"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_fails_fails_its_step() {
        let error = cargo(&crate::root(), &["no-such-command"], &[]).unwrap_err().to_string();
        assert!(error.starts_with("cargo no-such-command: exit status"), "{error}");
    }
}
