//! Who is on a channel, as clients are told.

use encke_client::{ClientError, Transport};
use encke_core::ChannelName;

use crate::served::{Served, follow, wait_for};

#[tokio::test]
async fn who_holds_on_is_a_member_with_all_his_connections() {
    let served = Served::start().await;
    let chat = ChannelName::new("chat.a").unwrap();
    let (first, second) =
        (served.client("tab-1", "anna_1000_chat.*"), served.client("tab-2", "anna_1000_chat.*"));
    let guest = served.client("tab-3", "-_1000_chat.*");
    let _held = [
        follow(&first, Transport::Ws, &["chat.a"]).await,
        follow(&first, Transport::Ws, &["chat.a"]).await,
        follow(&second, Transport::Sse, &["chat.a", "chat.b"]).await,
        follow(&guest, Transport::Sse, &["chat.a"]).await,
    ];
    let page = guest.presence(&chat, None).await.unwrap();
    assert_eq!((page.channel.as_str(), page.count, page.next.as_deref()), ("chat.a", 2, None));
    let [client, anna] = &page.members[..] else { panic!("{page:?}") };
    let (client, anna) = if anna.subject.is_some() { (client, anna) } else { (anna, client) };
    assert_eq!((anna.key.as_str(), anna.subject.as_deref()), ("subject:anna", Some("anna")));
    assert_eq!((&anna.clients[..], anna.connections), (&["tab-1".to_owned(), "tab-2".to_owned()][..], 3));
    assert_eq!((anna.transports.get("ws"), anna.transports.get("sse")), (Some(&2), Some(&1)));
    assert_eq!(anna.since, "1970-01-01T00:00:00.000Z");
    assert_eq!(
        (client.key.as_str(), client.subject.as_deref(), client.connections),
        ("client:tab-3", None, 1)
    );

    let stranger = served.client("tab-4", "bob_1000_news");
    let refused = stranger.presence(&chat, None).await.unwrap_err();
    assert!(matches!(refused, ClientError::Problem(problem) if problem.status == 403));
}

#[tokio::test]
async fn members_come_in_pages() {
    let served = Served::start().await;
    let mut held = Vec::new();
    for name in ["anna", "bob", "carl"] {
        let client = served.client("tab-1", &format!("{name}_1000_chat.*"));
        held.push(follow(&client, Transport::Sse, &["chat.a"]).await);
    }
    let headers = "Authorization: Bearer anna_1000_chat.*\r\n";
    let mut after = String::new();
    let mut found = Vec::new();
    wait_for("the last page", async || {
        let command = format!(r#"{{"type":"presence","channel":"chat.a","limit":1{after}}}"#);
        let (_, page) = served.post("/command", headers, &command).await;
        assert!(page.contains(r#""count":3"#), "{page}");
        let (_, subject) = page.split_once(r#""subject":""#).unwrap();
        found.push(subject.split('"').next().unwrap().to_owned());
        match page.split_once(r#""next":"#) {
            Some((_, next)) => after = format!(",\"after\":{}", next.trim_end_matches('}')),
            None => return true,
        }
        false
    })
    .await;
    assert_eq!(found, ["anna", "bob", "carl"]);
}
