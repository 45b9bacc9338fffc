//! What the guide for operators says can be asked, can.

use encke_testkit::{Raw, TestGateway, tokens::Issuer};

use crate::access::{now, token, with_tokens};

/// The commands of the guide's tables: `curl`, perhaps `-d` with a body, and a URL, as a shell takes them.
fn commands() -> Vec<(String, Option<String>)> {
    let path = format!("{}/../docs/operating.md", env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(path).unwrap();
    let curls = guide.split('`').filter_map(|code| code.strip_prefix("curl "));
    curls
        .map(|arguments| {
            let (body, url) = match arguments.strip_prefix("-d ") {
                None => (None, arguments),
                Some(rest) => {
                    let (body, url) = match rest.strip_prefix('\'') {
                        Some(quoted) => quoted.split_once("' ").unwrap(),
                        None => rest.split_once(' ').unwrap(),
                    };
                    (Some(body.to_owned()), url)
                }
            };
            let url = url.trim_matches('\'');
            (url.strip_prefix("127.0.0.1:8000").unwrap_or(url).to_owned(), body)
        })
        .collect()
}

async fn ask(gateway: &TestGateway, path: &str, body: Option<&str>) -> String {
    let method = if body.is_some() { "POST" } else { "GET" };
    // As curl sends it.
    let form = "\nContent-Type: application/x-www-form-urlencoded";
    let head = format!("{method} {path}{}", if body.is_some() { form } else { "" });
    let answer = gateway.request(&head, body.unwrap_or_default().as_bytes()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_command_of_the_guide_is_answered() {
    let issuer = Issuer::es256();
    let gateway = with_tokens(&issuer, "");
    let token = token(&issuer, "42", r#""subscribe":["chat"]"#, now() + 600);
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for (path, body) in commands {
        // What one command takes away the next may need.
        let mut visitor = Raw::connect(gateway.address()).await;
        visitor.request(&format!("GET /sse?channel=chat&token={token}"), b"").await;
        let status = visitor.head().await.status;
        let listed = ask(&gateway, "/admin/api/clients?subject=42", None).await;
        let id =
            listed.split_once("\"id\":").and_then(|(_, rest)| rest.split([',', '}']).next()).unwrap_or("7");
        let path = path.replace("/clients/7/", &format!("/clients/{id}/"));
        let answer = ask(&gateway, &path, body.as_deref()).await;
        println!("{status} {path}: {answer}");
        for ban in ask(&gateway, "/admin/api/bans", None).await.split("\"id\":").skip(1) {
            let id = ban.split([',', '}']).next().unwrap();
            let lifted = gateway.request(&format!("DELETE /admin/api/bans/{id}"), b"").await;
            assert_eq!(lifted.status, 204, "{}", lifted.text());
        }
    }
}
