use std::str;

use encke_core::ChannelName;

use super::BridgeConfig;

/// How channels are called on both sides: one prefix is taken away, another put there.
#[derive(Debug)]
pub(super) struct Names {
    redis: String,
    here: String,
}

impl Names {
    pub(super) fn new(config: &BridgeConfig) -> Self {
        Self { redis: config.redis_prefix.clone(), here: config.channel_prefix.clone() }
    }

    /// The channel here that is called so in Redis; none if it has another prefix, or a name that no channel can have.
    pub(super) fn channel(&self, redis: &[u8]) -> Option<ChannelName> {
        let rest = str::from_utf8(redis).ok()?.strip_prefix(&*self.redis)?;
        ChannelName::new(&format!("{}{rest}", self.here)).ok()
    }

    /// What this channel is called in Redis; none if it has another prefix.
    pub(super) fn redis(&self, channel: &ChannelName) -> Option<String> {
        let rest = channel.as_str().strip_prefix(&*self.here)?;
        Some(format!("{}{rest}", self.redis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(redis: &str, here: &str) -> Names {
        Names { redis: redis.into(), here: here.into() }
    }

    #[test]
    fn names_go_both_ways_and_come_back_the_same() {
        let cases = [
            ("", "", "chat", "chat"),
            ("app:", "app.", "app:chat", "app.chat"),
            ("", "redis.", "a:b", "redis.a:b"),
        ];
        for (redis, here, there, channel) in cases {
            let names = names(redis, here);
            let name = ChannelName::new(channel).unwrap();
            assert_eq!(names.channel(there.as_bytes()), Some(name.clone()));
            assert_eq!(names.redis(&name).as_deref(), Some(there));
        }
    }

    #[test]
    fn what_no_channel_can_be_called_has_no_name_here() {
        let long = "x".repeat(256);
        let hostile: [&[u8]; 8] =
            [b"", b"other", b"app:", b"app:a\nb", b"app:a\0", b"app:\xff", b"app:news.*", long.as_bytes()];
        for name in hostile {
            assert_eq!(names("app:", "").channel(name), None, "{name:?}");
        }
        assert_eq!(names("", "redis.").redis(&ChannelName::new("chat").unwrap()), None);
    }
}
