//! The start page is the lab; here as a browser is given it.

use encke_testkit::{Answer, TestGateway};

/// The bytes of the page, which is read as it is written.
const LIMIT: usize = 44 << 10;

fn nonce(answer: &Answer) -> &str {
    let policy = answer.header("content-security-policy").expect("a policy");
    let (_, rest) = policy.split_once("script-src 'nonce-").expect("a nonce for scripts");
    rest.split('\'').next().expect("an end of the nonce")
}

#[tokio::test]
async fn the_lab_runs_its_own_script_and_no_other() {
    let gateway = TestGateway::start("");
    let (page, again) = (gateway.request("GET /", b"").await, gateway.request("GET /", b"").await);

    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.ends_with("require-trusted-types-for 'script'; trusted-types 'none'"), "{policy}");
    let marked = |tag: &str| page.text().matches(&format!("<{tag} nonce=\"{}\">", nonce(&page))).count();
    assert_eq!((nonce(&page).len(), marked("style"), marked("script")), (32, 1, 1));
    assert_ne!(nonce(&page), nonce(&again));
}

#[tokio::test]
async fn the_lab_is_small_and_needs_nothing_from_elsewhere() {
    let gateway = TestGateway::start("");
    let page = gateway.request("GET /", b"").await.text();

    assert!(page.len() < LIMIT, "{} bytes", page.len());
    let own = page.replace("http://www.w3.org/2000/svg", "the name of SVG");
    for outside in ["http://", "https://", "=\"//", "url(//", "@import", " src=\"", "innerHTML"] {
        assert!(!own.contains(outside), "{outside}");
    }
    for path in ["poll", "longpoll", "sse", "iframe", "ws", "publish"] {
        assert!(page.contains(&format!("\"{path}\"")), "{path}");
    }
}

#[tokio::test]
async fn the_lab_is_joined_of_its_parts_and_links_to_routes_that_there_are() {
    let gateway = TestGateway::start("");
    let page = gateway.request("GET /", b"").await.text();

    for hole in ["{nonce}", "{style}", "{script}"] {
        assert!(!page.contains(hole), "{hole}");
    }
    let part = |start: &str, end: &str| page.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    let (style, _) = part("<style ", "</style>").expect("a style");
    let (script, after) = part("<script ", "</script>").expect("a script");
    assert!(style.contains("prefers-reduced-motion"), "lab.css");
    for of_each_file in ["class Middleman", "class Card", "window.onload = open"] {
        assert!(script.contains(of_each_file), "{of_each_file}");
    }
    assert_eq!(after, "\n</html>\n", "the script ends where it ends");

    let links: Vec<&str> =
        page.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links, ["metrics", "channels"]);
    for link in links {
        assert_eq!(gateway.request(&format!("GET /{link}"), b"").await.status, 200, "{link}");
    }
}
