use std::process::Stdio;

use html5ever::{ParseOpts, parse_document, tendril::TendrilSink};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

/// What the page of each program is given, by JavaScript that is not ours. A program is a list of scripts.
pub(super) async fn node(programs: &[Vec<String>]) -> Vec<Vec<Value>> {
    let mut node = Command::new("node");
    node.args(["-e", include_str!("judge.js")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut node = node.spawn().expect("node, which judges our scripts");
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(programs).unwrap()).await.unwrap();
    drop(stdin);
    let output = node.wait_with_output().await.unwrap();
    assert!(output.status.success(), "node: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The scripts of a document as a browser sees it, each one text.
///
/// Nothing else may be in it: no element, no text and no comment beside those that a frame has of its own.
pub(super) fn scripts(document: &str) -> Vec<String> {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(document);
    let mut scripts = Vec::new();
    let mut others = Vec::new();
    walk(&dom.document, &mut scripts, &mut others);
    let own = ["document", "doctype html", "html", "head", "meta", "title", "text encke", "body", "comment"];
    assert_eq!(others, own, "nothing came into being beside the scripts");
    scripts
}

fn walk(node: &Handle, scripts: &mut Vec<String>, others: &mut Vec<String>) {
    match &node.data {
        NodeData::Element { name, attrs, .. } if &*name.local == "script" => {
            let names: Vec<_> =
                attrs.borrow().iter().map(|attribute| attribute.name.local.to_string()).collect();
            assert_eq!(names, ["nonce"]);
            let children = node.children.borrow();
            let [child] = &children[..] else { panic!("a script is exactly one text") };
            let NodeData::Text { contents } = &child.data else { panic!("a script is exactly one text") };
            scripts.push(contents.borrow().to_string());
            return;
        }
        NodeData::Element { name, .. } => others.push(name.local.to_string()),
        NodeData::Document => others.push("document".to_owned()),
        NodeData::Doctype { name, .. } => others.push(format!("doctype {name}")),
        NodeData::Text { contents } if contents.borrow().trim().is_empty() => {}
        NodeData::Text { contents } => others.push(format!("text {}", contents.borrow())),
        NodeData::Comment { contents } if contents.trim().is_empty() => others.push("comment".to_owned()),
        NodeData::Comment { contents } => others.push(format!("comment {contents}")),
        NodeData::ProcessingInstruction { .. } => others.push("instruction".to_owned()),
    }
    node.children.borrow().iter().for_each(|child| walk(child, scripts, others));
}

/// The scripts that hand over a message or a gap. The others are the program at the beginning, and places.
pub(super) fn pushes(scripts: &[String]) -> Vec<&str> {
    let (program, rest) = scripts.split_first().unwrap();
    assert!(program.starts_with("(function(){"), "{program:.200}");
    let (pushes, places): (Vec<&str>, Vec<&str>) =
        rest.iter().map(String::as_str).partition(|script| script.starts_with("m("));
    let is_place = |script: &&str| {
        let place = script.strip_prefix("c(\"").and_then(|place| place.strip_suffix("\")"));
        place.is_some_and(|place| place.parse::<encke::Cursor>().is_ok())
    };
    assert!(places.iter().all(is_place), "{places:?}");
    pushes
}

/// What a push hands over.
pub(super) fn argument(script: &str) -> (Value, String) {
    let (expression, cursor) = script
        .strip_prefix("m(")
        .and_then(|call| call.strip_suffix("\")"))
        .and_then(|call| call.rsplit_once(",\""))
        .unwrap_or_else(|| panic!("{script:.200} is no push"));
    (encke_testkit::script_value(expression), cursor.to_owned())
}
