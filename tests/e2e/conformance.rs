//! What every transport must do, over each of them.

encke_testkit::transport_conformance! {
    poll: Poll,
    longpoll: LongPoll,
    sse: Sse,
    iframe: Iframe,
    ws: Ws,
}
