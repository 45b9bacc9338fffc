//! Where values come from: defaults, the file, the environment, flags, in this order.

#![cfg(test)]

use std::ffi::OsString;

use encke_gateway::config::{Config, Sources};

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Config, String> {
    let loaded = Sources::new().environment(environment(variables)).load();
    loaded.map(|loaded| loaded.config).map_err(|errors| errors.to_string())
}

fn origin_of(sources: &Sources, key: &str) -> String {
    let settings = sources.load().unwrap().settings;
    settings.iter().find(|setting| setting.key == key).unwrap().origin.clone()
}

#[test]
fn the_later_source_wins() {
    let listen = |sources: &Sources| sources.load().unwrap().config.listen.to_string();
    let sources = Sources::new();
    assert_eq!(listen(&sources), "127.0.0.1:8000");
    assert_eq!(origin_of(&sources, "listen"), "default");
    let sources = sources.text("encke.toml", "# mine\nlisten = \"127.0.0.1:1\"");
    assert_eq!(listen(&sources), "127.0.0.1:1");
    assert_eq!(origin_of(&sources, "listen"), "encke.toml:2");
    let sources = sources.environment(environment(&[("ENCKE_LISTEN", "127.0.0.1:2")]));
    assert_eq!(listen(&sources), "127.0.0.1:2");
    assert_eq!(origin_of(&sources, "listen"), "environment variable ENCKE_LISTEN");
    let sources = sources.flag("--listen", "listen", "127.0.0.1:3");
    assert_eq!(listen(&sources), "127.0.0.1:3");
    assert_eq!(origin_of(&sources, "listen"), "flag --listen");
}

#[test]
fn a_value_of_the_file_that_is_overridden_is_not_judged() {
    let sources = Sources::new().text("f", "listen = 5");
    assert!(sources.load().is_err());
    assert!(sources.flag("--listen", "listen", "127.0.0.1:0").load().is_ok());
}

#[test]
fn the_environment_sets_values_of_every_type_at_every_depth() {
    let config = from_environment(&[
        ("ENCKE_LOG__RETENTION__COUNT", "12_345"),
        ("ENCKE_LOG__BYTES", "2GiB"),
        ("ENCKE_DRAIN__WINDOW", "0s"),
        ("ENCKE_DEFAULT_ROUTES", "false"),
        ("ENCKE_ORIGINS", "https://a.example, null"),
        ("ENCKE_LIMITS__CONNECTIONS_PER_ADDRESS", "unlimited"),
        ("ENCKE_LOGGING__LEVEL", "warn"),
        ("OTHER", "1"),
    ])
    .unwrap();
    assert_eq!(config.log.retention.count, 12_345);
    assert_eq!(config.log.bytes, 2 << 30);
    assert!(config.drain.window.is_zero() && config.routes.is_empty());
    assert_eq!(config.limits.connections_per_address, None);
    assert_eq!(config.logging.level.rest.to_string(), "warn");
    let sources = Sources::new().environment(environment(&[("ENCKE_ORIGINS", "https://A.example:443,null")]));
    assert!(
        sources
            .load()
            .unwrap()
            .settings
            .to_toml(false)
            .contains("origins = [\"https://a.example\", \"null\"]")
    );
}

#[test]
fn errors_of_the_environment_name_the_variable() {
    let cases = [
        ("ENCKE_LISEN", "x", "unknown key `lisen`; did you mean `ENCKE_LISTEN`?"),
        (
            "ENCKE_LOG__RETENTION__CUONT",
            "5",
            "unknown key `log.retention.cuont`; did you mean `ENCKE_LOG__RETENTION__COUNT`?",
        ),
        (
            "ENCKE_LOG__RETENTION__COUNT",
            "many",
            "`log.retention.count` cannot be \"many\"; it must be a whole number",
        ),
        ("ENCKE_LOG", "5", "`log` cannot be \"5\"; it must be a table: [log]"),
        (
            "ENCKE_DRAIN__WINDOW",
            "",
            "`drain.window` cannot be \"\"; write a number and ms, s, m, h, or days, also several: \"1h 30m\"",
        ),
        (
            "ENCKE_ROUTE__0__PATH",
            "/a",
            "`route` cannot be a table; it must be tables, each after a line [[route]] in the file",
        ),
    ];
    for (name, value, expected) in cases {
        let error = from_environment(&[(name, value)]).unwrap_err();
        assert_eq!(error, format!("environment variable {name}: error: {expected}"));
    }
}

#[test]
fn variables_that_are_not_settings_are_left_alone() {
    let others = [
        ("ENCKE_CONFIG", "encke.toml"),
        ("ENCKE_URL", "http://127.0.0.1:8000"),
        ("ENCKE_PORT", "tcp://10.0.0.1:8000"),
        ("ENCKE_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("ENCKE_SERVICE_HOST", "10.0.0.1"),
        ("ENCKE_SERVICE_PORT_HTTP", "8000"),
    ];
    assert_eq!(from_environment(&others).unwrap(), from_environment(&[]).unwrap());
}

#[test]
fn errors_of_a_flag_name_the_flag() {
    let errors = Sources::new().flag("--listen", "listen", "here").load().unwrap_err().to_string();
    assert!(errors.starts_with("flag --listen: error: `listen` cannot be \"here\"; "), "{errors}");
}

#[test]
fn the_environment_adds_to_a_table_of_the_file() {
    let sources = Sources::new().text("f", "[log]\nkeys = 7\n[log.retention]\nage = \"2h\"");
    let sources = sources.environment(environment(&[("ENCKE_LOG__RETENTION__COUNT", "9")]));
    let log = sources.load().unwrap().config.log;
    assert_eq!((log.keys, log.retention.count, log.retention.age.as_secs()), (7, 9, 7_200));
}

#[test]
fn patterns_inherit_the_retention_of_all() {
    let text = "[log.retention]\ncount = 50\n[[log.channel]]\npattern = \"q.**\"\nage = \"1m\"\n";
    let log = Sources::new().text("f", text).load().unwrap().config.log;
    let (pattern, retention) = &log.retention_of[0];
    assert_eq!((pattern.as_str(), retention.count, retention.age.as_secs()), ("q.**", 50, 60));
}

#[test]
fn routes_inherit_origins_and_streams() {
    let text = r#"
        origins = ["https://a.example"]
        stream.heartbeat = "5s"
        [[route]]
        path = "/own"
        kind = "sse"
        origins = ["null"]
        heartbeat = "1s"
    "#;
    let settings = Sources::new().text("f", text).load().unwrap().config;
    let seen = |path: &str| {
        let route = settings.routes.iter().find(|route| route.path.as_str() == path).unwrap();
        let encke_gateway::config::RouteKind::Sse(sse) = &route.kind else { panic!("{path}") };
        (
            sse.stream.heartbeat.as_secs(),
            route.origins.admits("https://a.example"),
            route.origins.admits("null"),
        )
    };
    assert_eq!(seen("/own"), (1, false, true));
    assert_eq!(seen("/sse"), (5, true, false));
}

#[test]
fn what_is_shown_loads_as_the_same_configuration() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    for name in ["encke.toml", "seeds.toml"] {
        let sources = Sources::new().file(format!("{examples}/{name}").as_ref()).unwrap();
        let sources =
            sources.environment(environment(&[("ENCKE_LOG__KEYS", "5"), ("ENCKE_LISTEN", "[::1]:0")]));
        let loaded = sources.load().unwrap();
        for origins in [false, true] {
            let shown = loaded.settings.to_toml(origins);
            let again =
                Sources::new().text("shown", &shown).load().unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(again.config, loaded.config, "{shown}");
        }
    }
}

#[test]
fn shown_origins_stand_in_comments() {
    let text = "[drain]\nwindow = \"1s\"\n[[route]]\npath = \"/a\"\nkind = \"sse\"\nage = \"1m\"";
    let sources = Sources::new().text("e.toml", text);
    let shown = sources.load().unwrap().settings.to_toml(true);
    let line = |start: &str| shown.lines().rfind(|line| line.starts_with(start)).unwrap().to_owned();
    assert_eq!(line("window"), format!("{:<50} # e.toml:2", "window = \"1s\""));
    assert_eq!(line("listen"), format!("{:<50} # default", "listen = \"127.0.0.1:8000\""));
    assert_eq!(line("age"), format!("{:<50} # e.toml:6", "age = \"1m\""));
    assert_eq!(line("retry"), format!("{:<50} # as [stream]", "retry = \"2s\""));
}

#[test]
fn what_is_open_to_the_world_is_refused() {
    let route = |kind: &str, rest: &str| format!("[[route]]\npath = \"/p\"\nkind = \"{kind}\"\n{rest}\n");
    let open = "listen = \"0.0.0.0:0\"\n";
    let keyed =
        format!("{open}auth = \"k\"\n[[authorizer]]\nname = \"k\"\nkind = \"key\"\nsecret = \"{:020}\"\n", 0);
    let cases = [
        (open, route("publish", ""), true),
        (open, route("publish", "allow = [\"all\"]"), false),
        (open, route("publish", "allow = [\"127.0.0.0/8\", \"::1\"]"), true),
        (open, route("channels", "allow = [\"10.0.0.0/8\"]"), true),
        (open, route("ws", ""), true),
        (open, route("ws", "incoming = \"publish\""), false),
        (open, route("ws", "incoming = \"ignore\""), true),
        (open, route("ws", "publishers = [\"all\"]"), false),
        (open, route("ws", "dialect = \"eventtube\""), true),
        (open, route("ws", "dialect = \"eventtube\"\npublishers = [\"all\"]"), false),
        (open, route("ws", "publishers = [\"all\"]\nallow = [\"loopback\"]"), true),
        (open, route("poll", ""), true),
        (&keyed, route("publish", ""), true),
        (&keyed, route("ws", "incoming = \"publish\""), true),
        (&keyed, route("publish", "auth = \"open\"\nallow = [\"all\"]"), false),
        ("listen = \"127.0.0.1:0\"\n", route("publish", "allow = [\"all\"]"), true),
    ];
    for (server, route, expected) in cases {
        let text = format!("{server}{route}");
        assert_eq!(Sources::new().text("f", &text).load().is_ok(), expected, "{text}");
    }
}

#[test]
fn pages_of_every_origin_are_warned_of() {
    let warnings = Sources::new().text("f", "origins = [\"*\"]\n").load().unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().contains(": warning: "));
}

#[test]
fn kinds_that_take_different_requests_share_a_path() {
    let kinds =
        ["publish", "ws", "poll"].map(|kind| format!("[[route]]\npath = \"/p\"\nkind = \"{kind}\"\n"));
    let config = Sources::new().text("f", &kinds.concat()).load().unwrap().config;
    assert_eq!(config.routes.iter().filter(|route| route.path.as_str() == "/p").count(), 3);
}
