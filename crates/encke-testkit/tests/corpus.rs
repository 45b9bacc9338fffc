//! Every fuzz target over its corpus, and over 100,000 mutations of it: the same ones in every run.

#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use encke_testkit::fuzz::{Mutator, TARGETS, Target};

const INPUTS: u64 = 100_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths: BTreeSet<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.into_iter().collect()
}

fn run(name: &str) {
    let Target { run, .. } = TARGETS.iter().find(|target| target.name == name).unwrap();
    let corpus: Vec<Vec<u8>> =
        files(&fuzz().join("corpus").join(name)).iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(corpus.len() >= 3, "a corpus of {name} has a few inputs to begin with");
    corpus.iter().for_each(|input| guarded(*run, input));
    let mut mutator = Mutator::new(&corpus, 2026);
    (0..INPUTS).for_each(|_| guarded(*run, &mutator.next_input()));
}

/// Runs a target; where it panics, shows the input as it can be put into the corpus.
fn guarded(run: fn(&[u8]), input: &[u8]) {
    struct Show<'a>(&'a [u8]);
    impl Drop for Show<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the input: {}", self.0.escape_ascii());
            }
        }
    }
    let _show = Show(input);
    run(input);
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    accept
    admin
    batch_line
    callback
    channels
    client_event_stream
    client_frame
    command
    configuration
    content
    cookie
    encode_frame
    encode_json
    encode_stream
    eventtube
    frames
    handshake
    origin
    query
    received
    signed_query
    since
    token
}

#[test]
fn every_target_has_a_test_a_program_and_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let paths = files(&fuzz().join(folder)).into_iter();
        paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(TESTED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), targets);
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &targets {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no program");
    }
}
