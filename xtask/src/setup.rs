//! What the tests need beside Rust: Node with npm, Python, two browsers, Redis, three proxies, and what npm brings.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::ci::execute;

/// The oldest Node that runs the tests.
const NODE: u32 = 20;

/// A browser's program, which is also the name of its Debian package, and the variable that names another program.
const BROWSERS: &[(&str, &str)] = &[("chromium", "ENCKE_CHROMIUM"), ("firefox-esr", "ENCKE_FIREFOX")];
const FONT: &str = "fonts-dejavu-core";
/// Servers that tests start themselves: each a program, which is also the name of its Debian package.
const SERVERS: &[&str] = &["caddy", "haproxy", "nginx", "redis-server"];

/// Folders with a `package-lock.json`.
const NPM: &[&str] = &["clients/js", "tests/browser"];

/// Says what is missing, and installs what it can. What is there already costs nothing.
pub(crate) fn run(root: &Path) -> Result<()> {
    for (program, what) in [("node", "Node"), ("npm", "npm, which comes with Node"), ("python3", "Python 3")]
    {
        version(program).ok_or(format!("`{program}` is missing: install {what}"))?;
    }
    let node = version("node").unwrap_or_default();
    if major(&node) < NODE {
        return Err(format!("Node {NODE} or newer is needed, this is {}", node.trim()).into());
    }
    install(&missing())?;
    NPM.iter().try_for_each(|folder| packages(&root.join(folder)))
}

/// What a program says of its version, if it is there.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8(output.stdout).ok()
}

fn major(version: &str) -> u32 {
    let digits = version.trim().trim_start_matches('v').split('.').next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn missing() -> Vec<&'static str> {
    let browsers =
        BROWSERS.iter().filter(|(program, other)| env::var_os(other).is_none() && !on_path(program));
    let mut packages: Vec<_> = browsers.map(|(program, _)| *program).collect();
    let fonts = fs::read_dir("/usr/share/fonts").is_ok_and(|mut fonts| fonts.next().is_some());
    if cfg!(target_os = "linux") && !fonts {
        packages.push(FONT);
    }
    packages.extend(SERVERS.iter().filter(|program| !on_path(program)));
    packages
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if !on_path("apt-get") {
        return Err(without_apt(packages).into());
    }
    let root = Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0";
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        command.args((!root).then_some("env")).args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        execute(command.args(arguments))
    };
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn without_apt(packages: &[&str]) -> String {
    let variables: Vec<_> = BROWSERS.iter().map(|(_, variable)| *variable).collect();
    format!(
        "missing, and there is no apt-get: {}. Install them with your package manager; {} name browsers that are elsewhere",
        packages.join(", "),
        variables.join(" and ")
    )
}

/// Installs what the lock file names, unless that has been done since it changed.
fn packages(folder: &Path) -> Result<()> {
    let changed = |file: &str| fs::metadata(folder.join(file)).and_then(|data| data.modified());
    let lock = changed("package-lock.json").map_err(|error| format!("{}: {error}", folder.display()))?;
    if changed("node_modules/.package-lock.json").is_ok_and(|installed| installed >= lock) {
        return Ok(());
    }
    execute(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_first_number() {
        assert_eq!(["v20.11.1\n", "22.0.0", ""].map(major), [20, 22, 0]);
    }

    #[test]
    fn a_program_that_is_missing_has_no_version_and_no_place() {
        assert_eq!(version("no-such-program"), None);
        assert!(!on_path("no-such-program") && on_path("cargo"));
    }

    #[test]
    fn who_has_no_apt_reads_what_to_install() {
        let message = without_apt(&["chromium", FONT]);
        assert!(
            message.contains("chromium, fonts-dejavu-core") && message.contains("ENCKE_FIREFOX"),
            "{message}"
        );
    }

    #[test]
    fn a_folder_without_a_lock_file_is_named() {
        let error = packages(Path::new("no/such")).unwrap_err().to_string();
        assert!(error.starts_with("no/such: "), "{error}");
    }
}
