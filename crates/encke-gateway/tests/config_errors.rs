//! What is wrong in a configuration is said with its place, and with what would be right.

#![cfg(test)]

use encke_gateway::config::Sources;

/// The problem as `line:column what is wrong -> what would be right`.
fn compact(problem: &str) -> String {
    let lines: Vec<&str> = problem.lines().collect();
    let first = lines[0].strip_prefix("f:").unwrap().replacen(": error:", "", 1);
    let right = lines[3].split_once('^').unwrap().1.trim_start_matches('^');
    format!("{first} ->{right}\n")
}

#[test]
fn bad_configurations_are_refused_with_place_and_advice() {
    let cases = include_str!("bad_configs.txt").split("===\n").skip(1);
    let mut count = 0;
    for case in cases {
        let (text, expected) = case.split_once("---\n").unwrap();
        let errors = Sources::new().text("f", text).load().expect_err(text);
        let found: String =
            errors.diagnostics().iter().map(|diagnostic| compact(&diagnostic.to_string())).collect();
        assert_eq!(found, expected, "\n{text}");
        count += 1;
    }
    assert!(count >= 120, "only {count} cases were read");
}

#[test]
fn a_problem_shows_the_line_with_a_caret() {
    let text = "# Größe\n[limits]\n\tbatch = 0 # zu klein\n";
    let errors = Sources::new().text("conf/encke.toml", text).load().unwrap_err();
    let expected = "\
conf/encke.toml:3:10: error: `limits.batch` cannot be 0
   |
 3 | \tbatch = 0 # zu klein
   | \t        ^ it must be from 1 to 100000";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn the_caret_counts_characters_and_spans_what_is_wrong() {
    let text = "origins = [\"https://ä.example\", \"x\"]\n";
    let errors = Sources::new().text("f", text).load().unwrap_err().to_string();
    let carets: Vec<&str> = errors.lines().filter(|line| line.contains('^')).collect();
    assert_eq!(carets.len(), 2);
    assert!(carets[0].starts_with(&format!("   | {}{} ", " ".repeat(11), "^".repeat(19))), "{errors}");
    assert!(carets[1].starts_with(&format!("   | {}{} ", " ".repeat(32), "^".repeat(3))), "{errors}");
}

#[test]
fn an_error_at_the_end_of_the_file_has_a_place() {
    for text in ["listen =", "listen = \"", "[", "a = 1\r\nb", "é = ", "x = [\n\n"] {
        let errors = Sources::new().text("f", text).load().unwrap_err();
        assert!(errors.to_string().starts_with("f:"), "{errors}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let errors = Sources::new().file("no/such/file.toml".as_ref()).unwrap_err().to_string();
    assert!(errors.starts_with("no/such/file.toml: error: cannot be read: "), "{errors}");
}
