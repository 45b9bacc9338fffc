use std::io::{self, Write};

use encke_client::Member;
use encke_core::ChannelName;

use super::{Failure, client, line::visible, written};
use crate::cli::{Exit, PresenceArgs};

/// Prints who is on a channel.
pub async fn presence(args: PresenceArgs) -> Exit {
    match try_presence(args).await {
        Ok(()) => Exit::Success,
        Err(failure) => failure.report(),
    }
}

async fn try_presence(args: PresenceArgs) -> Result<(), Failure> {
    let client = client(&args.gateway)?;
    let channel = ChannelName::new(&args.channel).map_err(|error| Failure::usage("CHANNEL", error))?;
    let mut after = None;
    loop {
        let page = client.presence(&channel, after.as_deref()).await?;
        let lines: String = page.members.iter().map(|member| line(member, args.json)).collect();
        if !written(io::stdout().write_all(lines.as_bytes()))? {
            return Ok(());
        }
        // A page leads on, or it was the last.
        match page.next.filter(|next| after.as_ref() != Some(next)) {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Who, since when, by what, and what is told of him.
fn line(member: &Member, json: bool) -> String {
    if json {
        return member.to_json() + "\n";
    }
    let name = member.subject.as_ref().or(member.clients.first()).map_or("-", String::as_str);
    let transports = member.transports.iter().map(|(transport, count)| match count {
        1 => transport.clone(),
        count => format!("{count} {transport}"),
    });
    let transports = transports.collect::<Vec<_>>().join(", ");
    let info = member.info.as_ref().map(|info| format!(" {info}")).unwrap_or_default();
    let text = format!("{name} since {} by {transports}{info}", member.since);
    visible(&text).into_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_member_is_a_line() {
        let transports = BTreeMap::from([("poll".to_owned(), 1), ("ws".to_owned(), 2)]);
        let mut anna = Member {
            key: "subject:anna".to_owned(),
            subject: Some("anna".to_owned()),
            clients: vec!["c1".to_owned()],
            info: Some(r#"{"name":"A\u001b"}"#.parse().unwrap()),
            since: "2026-11-21T08:41:00.123Z".to_owned(),
            transports,
            connections: 3,
            addresses: Vec::new(),
        };
        assert_eq!(
            line(&anna, false),
            "anna since 2026-11-21T08:41:00.123Z by poll, 2 ws {\"name\":\"A\\u001b\"}\n"
        );
        assert!(line(&anna, true).starts_with(r#"{"key":"subject:anna","subject":"anna","clients":["c1"],"#));
        (anna.subject, anna.clients, anna.info) = (None, vec!["a\nb".to_owned()], None);
        assert_eq!(line(&anna, false), "a\\nb since 2026-11-21T08:41:00.123Z by poll, 2 ws\n");
    }
}
