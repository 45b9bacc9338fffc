//! `encke log`, as a process.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use encke_core::{ChannelName, Keep, Key, LogConfig, Message, Publish, Timestamp};
use encke_disk::{DiskConfig, DiskEngine};
use encke_hub::Engine;

fn log(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_encke");
    Command::new(program).arg("log").args(args).stdin(Stdio::null()).output().unwrap()
}

/// What it prints; it must succeed.
fn said(args: &[&str]) -> String {
    let output = log(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it says is wrong; it must fail with this code.
fn refused(args: &[&str], code: i32) -> String {
    let output = log(args);
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {says}");
    says
}

fn open(folder: &Path) -> DiskEngine {
    DiskEngine::open(folder, DiskConfig::default(), LogConfig::default()).unwrap()
}

fn name(text: &str) -> ChannelName {
    ChannelName::new(text).unwrap()
}

const NEEDLE: &str = "a text that stands nowhere else";

/// A log with all kinds of messages, some of which are gone.
async fn fill(folder: &Path) {
    let engine = open(folder);
    let messages = [
        Message::json("{\"a\": [1,\n 2]}"),
        Message::text(NEEDLE),
        Message::binary(vec![0, 200, 10]).with_content_type("image/png"),
        Message::json("\"x\"").with_content_type("application/problem+json").with_name("problem").unwrap(),
    ];
    for count in 0..400u64 {
        let message = messages[usize::try_from(count).unwrap() % messages.len()].clone();
        let publish =
            Publish::new(name(["news", "news.eu", "other"][usize::try_from(count).unwrap() % 3]), message);
        let publish =
            if count % 5 == 0 { publish.also_to(name("all")).also_to(name("gone")) } else { publish };
        let publish =
            if count % 7 == 0 { publish.with_key(Key::new(&format!("k{count}")).unwrap()) } else { publish };
        let (_, wakes) =
            engine.publish(publish, Timestamp::from_millis(1_700_000_000_000 + count)).await.unwrap();
        wakes.wake();
    }
    engine.trim(&name("all"), Keep::Newest(10)).await.unwrap();
    engine.delete(&name("gone")).await.unwrap();
}

/// Without the epochs, which differ from life to life.
fn without_epochs(export: &str) -> Vec<String> {
    let line = |line: &str| {
        let (before, rest) = line.split_once("\"cursor\":\"").unwrap();
        format!("{before}{}", rest.split_once('-').unwrap().1)
    };
    export.lines().map(line).collect()
}

#[tokio::test]
async fn an_export_that_was_imported_is_exported_the_same() {
    let folders = tempfile::tempdir().unwrap();
    let path = |name: &str| folders.path().join(name).to_str().unwrap().to_owned();
    let (old, new, some, file) = (path("old"), path("new"), path("some"), path("log.ndjson"));
    fill(old.as_ref()).await;
    let exported = said(&["export", &old]);
    assert_eq!(exported.lines().count(), 400);
    assert!(!exported.contains("gone") && exported.contains("\"channels\":[\"news\",\"all\"]"));
    fs::write(&file, &exported).unwrap();

    let says = said(&["import", &new, &file]);
    assert!(says.starts_with("400 messages; the head is "), "{says}");
    let again = said(&["export", &new]);
    assert_eq!(without_epochs(&again), without_epochs(&exported));
    assert_ne!(again, exported, "L2: it is another life");
    let info = |dir: &str| said(&["info", dir]);
    let head = |info: &str| info.lines().find(|line| line.starts_with("head")).unwrap().to_owned();
    assert!(head(&info(&new)).ends_with("-400") && head(&info(&old)).ends_with("-400"));
    assert_ne!(head(&info(&new)), head(&info(&old)));
    assert!(info(&new).contains("end       clean"), "{}", info(&new));
    for dir in [&old, &new] {
        assert!(said(&["verify", dir]).ends_with("all is well\n"));
    }

    let news = said(&["export", &old, "--channel", "news.*"]);
    fs::write(&file, &news).unwrap();
    said(&["import", &some, &file]);
    assert_eq!(without_epochs(&said(&["export", &some])), without_epochs(&news));
    assert!(news.lines().count() == 133 && !news.contains("all"), "{news:.500}");

    // An engine goes on where it ends.
    let engine = open(new.as_ref());
    let (appended, _) =
        engine.publish(Publish::new(name("news"), Message::text("x")), Timestamp::default()).await.unwrap();
    assert_eq!(appended.cursor.seq, 401);
    assert_eq!(engine.log().last_in(&name("other")), 399);
}

#[tokio::test]
async fn a_log_in_use_and_a_folder_without_one_are_refused() {
    let folders = tempfile::tempdir().unwrap();
    let dir = folders.path().to_str().unwrap();
    for command in ["info", "verify", "export"] {
        assert!(refused(&[command, dir], 1).contains("no log in it"));
        assert!(refused(&[command, "/nowhere/at/all"], 1).contains("no log in it"));
    }
    let engine = open(folders.path());
    let process = format!("in use by process {}", std::process::id());
    for command in ["info", "verify", "export", "import"] {
        let says = refused(&[command, dir], 1);
        assert!(says.contains(&process) && says.contains(dir), "{says}");
    }
    // What a process leaves that is killed now.
    let killed = tempfile::tempdir().unwrap();
    fs::copy(folders.path().join("encke.redb"), killed.path().join("encke.redb")).unwrap();
    assert!(said(&["info", killed.path().to_str().unwrap()]).contains("end       not clean"));
    drop(engine);
    assert!(said(&["info", dir]).contains("end       clean"));
    assert!(refused(&["import", dir], 1).contains("a log is there already"));
    refused(&["export", dir, "--channel", "**.x"], 2);
    refused(&["undo", dir], 2);
}

#[tokio::test]
async fn an_import_that_fails_names_the_line_and_leaves_nothing() {
    let folders = tempfile::tempdir().unwrap();
    let path = |name: &str| folders.path().join(name).to_str().unwrap().to_owned();
    let (old, new, file) = (path("old"), path("new"), path("log.ndjson"));
    fill(old.as_ref()).await;
    let exported = said(&["export", &old]);
    let lines: Vec<&str> = exported.lines().collect();
    let cases = [
        (vec![lines[0], "{}"], "line 2: not a message of an export"),
        (vec![lines[0], lines[1], "", lines[1]], "line 4: message 2 does not come after message 2"),
        (vec![lines[0], lines[2], lines[1]], "line 3: message 2 does not come after"),
        // One of the same channel is left out.
        (
            vec![lines[0], lines[1], lines[2], lines[6]],
            "line 4: in channel news it follows 4, and the last there is 1",
        ),
    ];
    for (lines, says) in cases {
        fs::write(&file, lines.join("\n")).unwrap();
        let error = refused(&["import", &new, &file], 1);
        assert!(error.contains(says) && error.contains(&file), "{error}");
        assert!(refused(&["info", &new], 1).contains("no log in it"));
    }
    fs::write(&file, [0xff, 0xfe]).unwrap();
    refused(&["import", &new, &file], 1);
    fs::write(&file, "").unwrap();
    assert!(said(&["import", &new, &file]).starts_with("0 messages"));
}

#[tokio::test]
async fn l5_verify_finds_what_is_damaged_and_says_where() {
    let folders = tempfile::tempdir().unwrap();
    let dir = folders.path().to_str().unwrap();
    fill(folders.path()).await;
    let file = folders.path().join("encke.redb");
    let mut bytes = fs::read(&file).unwrap();
    let found = bytes.windows(NEEDLE.len()).position(|window| window == NEEDLE.as_bytes()).unwrap();
    bytes[found] ^= 1;
    fs::write(&file, bytes).unwrap();
    let says = refused(&["verify", dir], 1);
    assert!(says.contains("damaged") && says.contains(dir), "{says}");
}
