//! A gateway with a folder: what was answered is there when it comes back.

use std::process::Command;

use encke_testkit::{GatewayProcess, Raw, TestGateway, Transport, conformance::Reader};
use tempfile::TempDir;

use crate::{LONG, PROGRAM, publish_all};

fn over(folder: &TempDir, more: &str) -> String {
    format!("engine.data = '{}'\n{LONG}{more}", folder.path().display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l3_what_was_answered_is_there_after_a_restart_on_every_transport() {
    let folder = TempDir::new().unwrap();
    let gateway = TestGateway::over(&over(&folder, "")).await;
    publish_all(&[gateway.url()], 0..300).await;
    let mut first = Reader::new(&gateway.url(), Transport::Sse, &["news"], "earliest");
    assert_eq!(first.numbers(100).await, (0..100).collect::<Vec<_>>());
    let cursor = first.cursor();
    drop(first);
    gateway.stop().await;

    let gateway = TestGateway::over(&over(&folder, "")).await;
    publish_all(&[gateway.url()], 290..400).await;
    for transport in Transport::ALL {
        let mut reader = Reader::new(&gateway.url(), transport, &["news"], &cursor);
        assert_eq!(
            reader.numbers(300).await,
            (100..400).collect::<Vec<_>>(),
            "{transport}: keys outlive it too"
        );
        let mut reader = Reader::new(&gateway.url(), transport, &["*"], &cursor);
        assert_eq!(reader.numbers(300).await, (100..400).collect::<Vec<_>>(), "{transport}, by a pattern");
        let mut reader = Reader::new(&gateway.url(), transport, &["news"], "-150");
        assert_eq!(reader.numbers(150).await, (250..400).collect::<Vec<_>>(), "{transport}, by a count");
        assert!(reader.gaps.is_empty());
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_batch_is_stored_in_its_order() {
    let folder = TempDir::new().unwrap();
    let gateway = TestGateway::over(&over(&folder, "")).await;
    let lines: String =
        (0..100).map(|number| format!("{{\"channel\":\"news\",\"data\":{number}}}\n")).collect();
    let answer = gateway.request("POST /publish\nContent-Type: application/x-ndjson", lines.as_bytes()).await;
    let seqs = answer.text().matches("\"seq\":").count();
    assert_eq!((answer.status, seqs), (200, 100), "{}", answer.text());
    let mut reader = Reader::new(&gateway.url(), Transport::Poll, &["news"], "earliest");
    assert_eq!(reader.numbers(100).await, (0..100).collect::<Vec<_>>());
    gateway.stop().await;
}

#[tokio::test]
async fn a_relaxed_answer_says_so() {
    for (durability, said) in [("strict", false), ("relaxed", true)] {
        let folder = TempDir::new().unwrap();
        let gateway = TestGateway::over(&over(&folder, &format!("engine.durability = '{durability}'"))).await;
        let mut raw = Raw::connect(gateway.address()).await;
        raw.request("POST /publish?channel=a", b"x").await;
        let receipt = raw.answer().await.text();
        assert_eq!(receipt.contains("\"durability\":\"relaxed\""), said, "{receipt}");
        gateway.stop().await;
    }
}

#[test]
fn a_folder_has_one_gateway() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let _first = GatewayProcess::start(PROGRAM, &[("ENCKE_ENGINE__DATA", path)]);
    let second =
        Command::new(PROGRAM).args(["serve", "--listen", "127.0.0.1:0", "--data", path]).output().unwrap();
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && told.contains(path), "{told}");
}
