//! What is wrong in a file is said with its place and what would be right. Each case: the file, and each problem as
//! `line:column what is wrong -> what would be right`.

use encke_gateway::config::Sources;

fn problems(text: &str) -> Vec<String> {
    let errors = Sources::new().text("f", text).load().expect_err(text);
    errors.problems().iter().map(|problem| compact(&problem.to_string())).collect()
}

/// `f:1:2: error: wrong`, the line, and `^^^ right` as one line.
fn compact(problem: &str) -> String {
    let lines: Vec<&str> = problem.lines().collect();
    let first = lines[0].strip_prefix("f:").unwrap().replacen(": error:", "", 1);
    let right = lines[3].split_once('^').unwrap().1.trim_start_matches('^');
    format!("{first} ->{right}")
}

fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(problems(text), *expected, "\n{text}");
    }
}

#[test]
fn dump() {
    for case in CASES { println!("=== \n{case}\n---"); for p in problems(case) { println!("{p}"); } }
}
const CASES: &[&str] = &[
 "listen = ", "listen = \"127.0.0.1:8000\"\nlisten = \"127.0.0.1:8001\"", "= 1\n[log\n", "[log]\nkeys = 1\n[log]\nbytes = 1",
 "lisen = \"127.0.0.1:8000\"", "Listen = \"127.0.0.1:8000\"", "zzzzzzzzz = 1", "[lgo]\nkeys = 1", "[limit]\nbatch = 1",
 "[log]\nchanels = 5", "[log.retention]\ncuont = 5", "[[log.channel]]\npattern = \"a\"\nbites = 1", "[limits]\nmesage = 1", "[stream]\nhartbeat = \"1s\"", "[ws]\npings = \"1s\"", "[drain]\nwindows = \"1s\"", "[logging]\nlevels = \"info\"",
 "[[route]]\npath = \"/a\"\nkind = \"poll\"\nordr = \"desc\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { qery = \"c\" }", "[[routes]]\npath = \"/a\"\nkind = \"poll\"",
 "listen = 8000", "listen = \"localhost:8000\"", "listen = \"127.0.0.1\"", "listen = \"127.0.0.1:80000\"",
 "default_routes = \"yes\"", "default_routes = 1", "origins = \"https://a.example\"", "origins = [1]",
 "origins = [\"https://app.example/\"]", "origins = [\"app.example\"]", "origins = [\"https://*.app.example\"]", "origins = [\"https://u@app.example\"]", "origins = [\"https://é.example\"]", "origins = [\"https://a.example:99999\"]",
 "[limits]\nmessage = 0", "ws = 1", "[stream]\nretry = \"2 s x\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\ncookie = \"on\"", "[[route]]\npath = \"/a\"\nkind = 5", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nallow = [\"10.0.0.0/33\", \"::1\", \"x\"]", "[[route]]\npath = \"/a\"\nkind = \"iframe\"\npost_message = [\"https://a.example\", \"null\"]", "log = 5", "log = []", "[log]\nchannels = \"5\"", "[log]\nchannels = -1", "[log]\nchannels = 0", "[log]\nchannels = 1.5", "[log]\nchannels = 99999999999999999999999999", "[log]\nbytes = \"1 gigabyte\"", "[log]\nbytes = true", "[log]\nbytes = \"1KiB\"", "[log]\nkey_window = 600", "[log]\nkey_window = \"600\"", "[log]\nkey_window = \"10 fortnights\"", "[log]\nkey_window = \"0s\"", "[log]\nkey_window = 1979-05-27",
 "[log]\nretention = \"1h\"", "[log]\nchannel = { pattern = \"a\" }", "[log]\nchannel = [1]", "[[log.channel]]\ncount = 1", "[[log.channel]]\npattern = \"**.a\"", "[[log.channel]]\npattern = \"\"", "[log.retention]\nbytes = \"64KiB\"", "[limits]\nmessage = \"2MiB\"", "[log]\nbytes = \"100MiB\"\n[log.retention]\nbytes = \"200MiB\"",
 "[limits]\nbatch = 0", "[limits]\nconnections_per_address = 0", "[limits]\nconnections_per_address = \"none\"", "[limits]\nmessage = \"1GiB\"", "[limits]\nhead = \"10\"", "[limits]\nheader_bytes = 100",
 "[logging]\nlevel = \"inof\"", "[logging]\nlevel = \"info,encke_ws=loud\"", "[logging]\nlevel = \"=debug\"", "[logging]\nformat = \"jsn\"", "[logging]\nformat = \"xml\"",
 "[route]\npath = \"/a\"", "route = [\"/a\"]", "[[route]]", "[[route]]\npath = \"/a\"", "[[route]]\nkind = \"poll\"", "[[route]]\npath = \"/a\"\nkind = \"pol\"\norder = \"desc\"", "[[route]]\npath = \"/a\"\nkind = \"websocket\"",
 "[[route]]\npath = \"a\"\nkind = \"poll\"", "[[route]]\npath = \"/a?b=1\"\nkind = \"poll\"", "[[route]]\npath = \"/{a}/{b}\"\nkind = \"poll\"",
 "[[route]]\npath = \"/a\"\nkind = \"poll\"\ncallback = \"f\"", "[[route]]\npath = \"/a\"\nkind = \"sse\"\njsonp = true", "[[route]]\npath = \"/a\"\nkind = \"health\"\nchannel = { query = \"c\" }", "[[route]]\npath = \"/a\"\nkind = \"longpoll\"\norder = \"desc\"", "[[route]]\npath = \"/a\"\nkind = \"publish\"\npayload = \"data\"",
 "[[route]]\npath = \"/a\"\nkind = \"longpoll\"\none = true\njsonp = true\nlinger = \"1s\"", "[[route]]\npath = \"/a\"\nkind = \"longpoll\"\nwait = \"61s\"", "[[route]]\npath = \"/a\"\nkind = \"longpoll\"\nlinger = \"6s\"",
 "[[route]]\npath = \"/a\"\nkind = \"poll\"\norder = \"newest\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\npayload = \"dta\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\ncursor_field = \"seq\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\ncursor_field = \"a b\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nwhen = \"\"",
 "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = \"news\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = {}", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { query = \"a\", header = \"b\" }", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { segment = \"channel\" }", "[[route]]\npath = \"/a/{id}\"\nkind = \"poll\"\nchannel = { segment = \"channel\" }", "[[route]]\npath = \"/a/{id}\"\nkind = \"poll\"\nchannel = { query = \"c\" }", "[[route]]\npath = \"/a/{id}\"\nkind = \"health\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { header = \"x y\" }", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { fixed = [] }", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { fixed = \"news\" }", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nchannel = { fixed = [\"a.**.b\"] }", "[[route]]\npath = \"/a\"\nkind = \"publish\"\nchannel = { fixed = [\"a.*\"] }", "[[route]]\npath = \"/a\"\nkind = \"ws\"\nincoming = \"publish\"\nchannel = { fixed = [\"**\"] }",
 "[[route]]\npath = \"/a\"\nkind = \"ws\"\nincoming = \"ignore\"\npublishers = [\"all\"]", "[[route]]\npath = \"/a\"\nkind = \"ws\"\nincoming = \"comands\"", "[[route]]\npath = \"/a\"\nkind = \"iframe\"\ncallback = \"alert(1)\"", "[[route]]\npath = \"/a\"\nkind = \"iframe\"\npost_message = [\"*\"]", "[[route]]\npath = \"/a\"\nkind = \"sse\"\nheartbeat = \"0s\"", "[[route]]\npath = \"/a\"\nkind = \"publish\"\ncontent_type = \"json\"",
 "[[route]]\npath = \"/a\"\nkind = \"poll\"\nallow = [\"10.0.0.1/8\"]", "[[route]]\npath = \"/a\"\nkind = \"poll\"\ndeny = [\"everyone\"]", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nallow = \"all\"",
 "[[route]]\npath = \"/a\"\nkind = \"poll\"\n[[route]]\npath = \"/a\"\nkind = \"longpoll\"", "[[route]]\npath = \"/a/{x}\"\nkind = \"poll\"\n[[route]]\npath = \"/a/b\"\nkind = \"sse\"", "[[route]]\npath = \"/a\"\nkind = \"poll\"\nwhen = \"since\"\n[[route]]\npath = \"/a\"\nkind = \"poll\"\nwhen = \"since\"",
 "lisen = 1\n[log]\nkeys = \"x\"\n[[route]]\npath = \"/a\"\nkind = \"poll\"\nwait = \"1s\"",
];
