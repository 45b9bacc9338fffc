//! The transcripts of `docs/spec`, replayed.

use encke_testkit::transcript::replay;

macro_rules! documents {
    ($($name:ident: $file:literal, $count:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let text = include_str!(concat!("../../docs/spec/", $file));
            assert_eq!(replay($file, text).await, $count, "transcripts");
        }
    )*};
}

documents! {
    readme: "README.md", 6;
    poll: "poll.md", 10;
    longpoll: "longpoll.md", 7;
    sse: "sse.md", 7;
    iframe: "iframe.md", 3;
    ws: "ws.md", 8;
    eventtube: "eventtube.md", 4;
    publish: "publish.md", 8;
    commands: "commands.md", 2;
    access: "access.md", 2;
    presence: "presence.md", 2;
}

const ALL: &str = concat!(
    include_str!("../../docs/spec/README.md"),
    include_str!("../../docs/spec/poll.md"),
    include_str!("../../docs/spec/longpoll.md"),
    include_str!("../../docs/spec/sse.md"),
    include_str!("../../docs/spec/iframe.md"),
    include_str!("../../docs/spec/ws.md"),
    include_str!("../../docs/spec/publish.md"),
    include_str!("../../docs/spec/commands.md"),
    include_str!("../../docs/spec/access.md"),
    include_str!("../../docs/spec/presence.md"),
);

/// The problems that no gateway with a log in memory has, unless something breaks.
const NOT_SHOWN: [&str; 2] = ["internal", "unavailable"];

/// Each row of the table of problems is what the transcripts show, and nothing that they show is not in the table.
#[test]
fn every_problem_is_in_the_table_and_shown() {
    let rows = ALL.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (name, status, remedy) = (cells.next()?, cells.next()?, cells.next()?);
        status.parse::<u16>().is_ok_and(|status| status >= 400).then_some((
            name.trim_matches('`'),
            status,
            remedy,
        ))
    });
    let rows: Vec<_> = rows.filter(|(name, ..)| !name.starts_with(|c: char| c.is_ascii_digit())).collect();
    let shown: Vec<_> = ALL
        .split("\"urn:encke:problem:")
        .skip(1)
        .map(|text| text.split('}').next().unwrap_or_default())
        .collect();
    for (name, status, remedy) in &rows {
        let fields = [format!("\"status\":{status},"), format!("\"remedy\":\"{remedy}\"")];
        let mut problems = shown.iter().filter(|text| text.starts_with(&format!("{name}\""))).peekable();
        assert_eq!(problems.peek().is_none(), NOT_SHOWN.contains(name), "{name}");
        assert!(problems.all(|text| fields.iter().all(|field| text.contains(field))), "{name}");
    }
    let known = |text: &&str| rows.iter().any(|(name, ..)| text.starts_with(&format!("{name}\"")));
    assert!(rows.len() > 20 && shown.iter().all(known));
}

#[tokio::test]
async fn a_wrong_transcript_fails() {
    let right = "```http\n> GET /healthz HTTP/1.1\n>\n< HTTP/1.1 200 OK\n< content-type: text/plain; charset=utf-8\n<\n< ok\n```\n";
    assert_eq!(replay("right", right).await, 1);
    for (from, to) in [
        ("< ok", "< OK"),
        ("< ok", "< ok!"),
        ("200 OK", "204 No Content"),
        ("200 OK", "200 Fine"),
        ("utf-8", "utf8"),
        ("content-type", "content-kind"),
        ("< content-type: text/plain; charset=utf-8\n", ""),
    ] {
        let wrong = right.replace(from, to);
        let replayed = tokio::spawn(async move { replay("wrong", &wrong).await }).await;
        assert!(replayed.is_err_and(|error| error.is_panic()), "{from} as {to}");
    }
}
