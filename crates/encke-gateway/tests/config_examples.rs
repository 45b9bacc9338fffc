//! The example files load, and say what they claim to say.

#![cfg(test)]

use std::{collections::BTreeSet, fs, net::SocketAddr};

use encke_gateway::config::{
    Answer, ChannelSource, Config, Dialect, FieldName, Incoming, Loaded, MediaType, Order, Payload, Route,
    RouteKind, Sources,
};

fn example(name: &str) -> String {
    let path = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn load(name: &str, text: &str) -> Loaded {
    Sources::new().text(name, text).load().unwrap_or_else(|errors| panic!("{errors}"))
}

/// The file with the examples that are commented out: lines that begin with `#` and no space.
fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn encke_toml_states_every_default() {
    let Loaded { config, settings, warnings } = load("encke.toml", &example("encke.toml"));
    assert_eq!(config, Sources::new().load().unwrap().config);
    assert_eq!(warnings, []);
    let unstated: Vec<_> =
        settings.iter().filter(|setting| !setting.origin.starts_with("encke.toml:")).collect();
    assert!(unstated.is_empty(), "not in the file: {unstated:?}");
}

#[test]
fn encke_toml_shows_every_option_of_every_kind() {
    let text = example("encke.toml");
    let Loaded { config, settings, .. } = load("encke.toml", &uncommented(&text));
    let kinds: BTreeSet<&str> = config.routes.iter().map(|route| route.kind.name()).collect();
    let configured = config.routes.iter().filter(|route| route.path.as_str().starts_with("/a/"));
    let shown: BTreeSet<&str> = configured.map(|route| route.kind.name()).collect();
    assert_eq!(shown, kinds);
    // Of what holds for every route, the file shows one example.
    let common = ["allow", "auth", "deny", "origins"];
    let unstated: BTreeSet<&str> =
        settings.iter().filter(|s| !s.origin.starts_with("encke.toml:")).map(|s| s.key.as_str()).collect();
    assert!(unstated.iter().all(|key| common.contains(key)), "not in the file: {unstated:?}");
    for key in [
        "when",
        "cursor_field",
        "empty",
        "content_type",
        "channel.query",
        "channel.segment",
        "channel.header",
        "channel.fixed",
    ] {
        assert!(settings.iter().any(|setting| setting.key == key), "{key}");
    }
}

#[test]
fn what_encke_toml_calls_a_default_is_one() {
    let text = uncommented(&example("encke.toml"));
    let is_default = |line: &str| !line.contains("example") && !line.starts_with("#");
    let head = text.find("[[route]]").unwrap();
    // Without the lines that state defaults, path, kind and examples remain; the routes must be the same.
    let needed = |line: &str| ["path", "kind", "[[route]]"].iter().any(|start| line.starts_with(start));
    let without: String = text[head..]
        .lines()
        .filter(|line| needed(line) || !is_default(line))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_ne!(without, text[head..]);
    assert_eq!(load("without", &without).config.routes, load("with", &text[head..]).config.routes);
}

fn route<'c>(config: &'c Config, path: &str, query: &[&str]) -> &'c Route {
    let has = |when: &Option<FieldName>| when.as_ref().is_none_or(|when| query.contains(&when.as_str()));
    let found = config.routes.iter().find(|route| route.path.matches(path).is_some() && has(&route.when));
    found.unwrap_or_else(|| panic!("no route for {path} {query:?}"))
}

fn is_query(source: &ChannelSource, name: &str) -> bool {
    matches!(source, ChannelSource::Query(field) if field.as_str() == name)
}

#[test]
fn seeds_toml_serves_the_polling_loop_and_the_comet_loop_on_one_path() {
    let Loaded { config, warnings, .. } = load("seeds.toml", &example("seeds.toml"));
    assert_eq!(warnings, []);
    let RouteKind::Poll(poll) = &route(&config, "/get_messages/", &["channel_id", "since"]).kind else {
        panic!()
    };
    assert!(is_query(&poll.channel, "channel_id"));
    assert_eq!(poll.order, Order::Descending);
    assert_eq!(poll.cursor_field.as_ref().map(FieldName::as_str), Some("id"));
    let RouteKind::Longpoll(comet) = &route(&config, "/get_messages/", &["channel_id"]).kind else {
        panic!()
    };
    assert!(is_query(&comet.channel, "channel_id") && comet.cookie);
    assert!(matches!(comet.answer, Answer::Batch { .. }), "the client reads resp.messages");
}

#[test]
fn seeds_toml_serves_raw_messages() {
    let config = load("seeds.toml", &example("seeds.toml")).config;
    for (path, query) in [("/listen/", vec!["cid"]), ("/subscribe", vec!["id"]), ("/subscribe", vec![])] {
        let RouteKind::Longpoll(longpoll) = &route(&config, path, &query).kind else { panic!("{path}") };
        assert!(longpoll.cookie && matches!(longpoll.answer, Answer::One { .. }), "{path}");
    }
    let publish = route(&config, "/publish/", &["cid"]);
    let RouteKind::Publish(options) = &publish.kind else { panic!() };
    assert!(is_query(&options.channel, "cid"));
    assert_eq!(options.content_type.as_ref().map(MediaType::as_str), Some("application/json"));
    assert!(publish.access.admits("127.0.0.1".parse().unwrap()));
    assert!(!publish.access.admits("192.0.2.1".parse().unwrap()));
    let RouteKind::Publish(native) = &route(&config, "/publish", &["channel"]).kind else { panic!() };
    assert!(is_query(&native.channel, "channel"), "the standard route is still there");
}

#[test]
fn seeds_toml_serves_the_iframe_and_the_websockets() {
    let config = load("seeds.toml", &example("seeds.toml")).config;
    let RouteKind::Iframe(iframe) = &route(&config, "/messages/", &["cid"]).kind else { panic!() };
    assert_eq!((iframe.callback.as_str(), iframe.payload), ("handle", Payload::Data));
    for path in ["/echo", "/chat", "/test", "/web"] {
        let RouteKind::Ws(ws) = &route(&config, path, &[]).kind else { panic!("{path}") };
        let Dialect::Native { channel, payload: Payload::Data, incoming: Incoming::Publish } = &ws.dialect
        else {
            panic!("{path}: {ws:?}")
        };
        let ChannelSource::Fixed(channels) = channel else { panic!("{path}") };
        assert_eq!(channels.len(), 1);
    }
}

#[test]
fn eventtube_has_its_path_in_a_file_of_its_own() {
    let dialect = |file: &str, path: &str| {
        let Loaded { config, warnings, .. } = load(file, &example(file));
        assert_eq!(warnings, []);
        let RouteKind::Ws(ws) = &route(&config, path, &[]).kind else { panic!("{file}: {path}") };
        (config.listen.port(), ws.dialect.clone())
    };
    for (file, path) in [("seeds.toml", "/eventtube"), ("eventtube.toml", "/ws")] {
        let (_, Dialect::EventTube { broadcast, publishers }) = dialect(file, path) else { panic!("{file}") };
        assert_eq!(broadcast.as_str(), "broadcast");
        assert!(publishers.admits("192.0.2.1".parse().unwrap()));
    }
    let (port, Dialect::Native { .. }) = dialect("seeds.toml", "/ws") else { panic!("seeds.toml") };
    assert_eq!(port, 8000);
    let (port, _) = dialect("eventtube.toml", "/ws");
    assert_eq!(port, 9000);
}

#[test]
fn encke_toml_shows_every_way_to_decide_about_access() {
    let config = load("encke.toml", &uncommented(&example("encke.toml"))).config;
    let names: Vec<&str> = config.auths.iter().map(|auth| auth.name.as_str()).collect();
    assert_eq!(names, ["app", "links", "servers", "office", "site", "visitors", "any"]);
    assert_eq!((config.namespaces.len(), config.webhooks.len()), (1, 1));
}

#[test]
fn with_an_authorizer_the_routes_are_for_all_and_it_decides() {
    let text = format!(
        "auth = \"app\"\nlisten = \"0.0.0.0:8000\"\n[[authorizer]]\nname = \"app\"\nkind = \"jwt\"\nsecret = \"{}\"\n",
        "x".repeat(32)
    );
    let Loaded { config, settings, .. } = load("encke.toml", &text);
    for path in ["/publish", "/poll", "/channels"] {
        let route = route(&config, path, &[]);
        assert!(route.access.admits("192.0.2.1".parse().unwrap()), "{path}");
        assert_eq!(route.auth.as_str(), "app", "{path}");
    }
    assert!(!route(&config, "/metrics", &[]).access.admits("192.0.2.1".parse().unwrap()));
    assert!(!settings.to_toml(true).contains(&"x".repeat(32)), "a secret is shown");
    assert!(!format!("{config:?}").contains(&"x".repeat(32)), "a secret is shown");
}

#[test]
fn the_blocks_of_the_guide_load() {
    let path = format!("{}/../../docs/operating.md", env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(&path).unwrap();
    let blocks: Vec<&str> = guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect();
    assert!(blocks.len() >= 8, "{}", blocks.len());
    for block in blocks {
        load("operating.md", block);
    }
}

#[test]
fn the_standard_routes_are_those_of_the_native_dialect() {
    let config = Sources::new().load().unwrap().config;
    assert_eq!(config.listen, "127.0.0.1:8000".parse::<SocketAddr>().unwrap());
    let routes: Vec<_> = config.routes.iter().map(|route| (route.path.as_str(), route.kind.name())).collect();
    let expected = [
        ("/publish", "publish"),
        ("/command", "commands"),
        ("/poll", "poll"),
        ("/longpoll", "longpoll"),
        ("/sse", "sse"),
        ("/iframe", "iframe"),
        ("/ws", "ws"),
        ("/channels", "channels"),
        ("/channels/{channel}", "channels"),
        ("/sdk/{file}", "sdk"),
        ("/healthz", "health"),
        ("/readyz", "ready"),
        ("/metrics", "metrics"),
        ("/", "page"),
    ];
    assert_eq!(routes, expected);
    let open = |path| route(&config, path, &[]).access.admits("192.0.2.1".parse().unwrap());
    assert_eq!(["/publish", "/channels", "/channels/news", "/metrics"].map(open), [false; 4]);
    assert_eq!(["/poll", "/ws", "/sdk/js", "/healthz", "/"].map(open), [true; 5]);
}
