//! The command line.

#![cfg(test)]

use std::path::Path;

use clap::{CommandFactory, Parser, error::ErrorKind};
use encke_gateway::cli::{Cli, Command, ConfigCommand, LogCommand, Transport};

fn parse(line: &str) -> Result<Command, ErrorKind> {
    Cli::try_parse_from(line.split(' ')).map(Cli::into_command).map_err(|error| error.kind())
}

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn without_a_command_the_gateway_is_served() {
    let Ok(Command::Serve(args)) = parse("encke") else { panic!() };
    assert_eq!((args.listen, args.config.as_deref()), (None, None));
    assert_eq!(
        parse("encke --listen [::1]:80 --config a.toml"),
        parse("encke serve --listen [::1]:80 --config a.toml")
    );
    let Ok(Command::Serve(args)) = parse("encke --listen [::1]:80 --config a.toml") else { panic!() };
    assert_eq!(args.listen, Some("[::1]:80".parse().unwrap()));
    assert_eq!(args.config.as_deref(), Some(Path::new("a.toml")));
}

#[test]
fn commands_about_the_configuration() {
    let Ok(Command::Check(args)) = parse("encke check --config a.toml") else { panic!() };
    assert_eq!(args.config.as_deref(), Some(Path::new("a.toml")));
    let Ok(Command::Config(ConfigCommand::Show(args))) =
        parse("encke config show --origin --listen 127.0.0.1:1")
    else {
        panic!()
    };
    assert!(args.origin && args.config.listen.is_some());
    assert!(args.config.sources().unwrap().load().is_ok());
}

#[test]
fn commands_about_a_log_on_disk() {
    let Ok(Command::Log(LogCommand::Export(args))) = parse("encke log export /data --channel news.**") else {
        panic!()
    };
    assert_eq!((args.dir.as_path(), args.channel.as_deref()), (Path::new("/data"), Some("news.**")));
    let Ok(Command::Log(LogCommand::Import(args))) = parse("encke log import /data") else { panic!() };
    assert_eq!(args.file, Path::new("-"));
    for command in ["info", "verify", "export", "import"] {
        assert!(parse(&format!("encke log {command}")).is_err(), "{command} needs a folder");
    }
}

#[test]
fn commands_of_a_client() {
    let Ok(Command::Publish(args)) = parse("encke publish news -") else { panic!() };
    assert_eq!((args.channel.as_str(), args.data.as_str()), ("news", "-"));
    let Ok(Command::Publish(args)) = parse("encke publish news -5 --name price --key k1 --url http://h:1/a")
    else {
        panic!()
    };
    assert_eq!(
        (args.data.as_str(), args.name.as_deref(), args.key.as_deref()),
        ("-5", Some("price"), Some("k1"))
    );
    assert_eq!(args.gateway.url, "http://h:1/a");
    let Ok(Command::Subscribe(args)) = parse("encke subscribe a b.** --transport ws --since -20 --json")
    else {
        panic!()
    };
    assert_eq!(args.channels, ["a", "b.**"]);
    assert_eq!((args.transport, args.since.as_str(), args.json), (Transport::Ws, "-20", true));
    assert_eq!(args.gateway.url, "http://127.0.0.1:8000");
}

#[test]
fn wrong_usage_is_refused() {
    let cases = [
        ("encke --listen here", ErrorKind::ValueValidation),
        ("encke subscribe", ErrorKind::MissingRequiredArgument),
        ("encke subscribe a --transport pigeon", ErrorKind::InvalidValue),
        ("encke publish", ErrorKind::MissingRequiredArgument),
        ("encke presence", ErrorKind::MissingRequiredArgument),
        ("encke presence a --token t --token-file f", ErrorKind::ArgumentConflict),
        ("encke serv", ErrorKind::InvalidSubcommand),
        ("encke config", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("encke check --origin", ErrorKind::UnknownArgument),
    ];
    for (line, expected) in cases {
        assert_eq!(parse(line), Err(expected), "{line}");
    }
}

#[test]
fn help_states_the_exit_codes() {
    let help = Cli::command().render_long_help().to_string();
    for code in ["0 ", "1 ", "2 ", "69 ", "78 "] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(code)), "{code}\n{help}");
    }
}
