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
    readme: "README.md", 5;
    poll: "poll.md", 10;
    longpoll: "longpoll.md", 7;
    sse: "sse.md", 7;
    iframe: "iframe.md", 3;
    ws: "ws.md", 7;
    publish: "publish.md", 7;
}
