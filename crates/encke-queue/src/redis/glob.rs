/// A pattern as PSUBSCRIBE has it: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before what stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Many,
    One,
    Byte(u8),
    /// One byte in these ranges, or outside of them.
    Within(bool, Vec<(u8, u8)>),
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern.as_bytes();
        while let [first, others @ ..] = rest {
            rest = others;
            parts.push(match (first, others) {
                (b'*', _) => Part::Many,
                (b'?', _) => Part::One,
                (b'[', _) => class(&mut rest),
                (b'\\', [escaped, others @ ..]) => {
                    rest = others;
                    Part::Byte(*escaped)
                }
                (byte, _) => Part::Byte(*byte),
            });
        }
        Self(parts)
    }

    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        let (mut part, mut at) = (0, 0);
        // Where to go on if what follows the last `*` does not fit: it takes one byte more.
        let mut again = None;
        loop {
            match self.0.get(part) {
                Some(Part::Many) => {
                    part += 1;
                    again = Some((part, at));
                    continue;
                }
                None if at == name.len() => return true,
                Some(one) if name.get(at).is_some_and(|byte| one.fits(*byte)) => {
                    (part, at) = (part + 1, at + 1);
                    continue;
                }
                _ => {}
            }
            match again {
                Some((after, taken)) if taken < name.len() => {
                    again = Some((after, taken + 1));
                    (part, at) = (after, taken + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn fits(&self, byte: u8) -> bool {
        match self {
            Self::Many => false,
            Self::One => true,
            Self::Byte(own) => *own == byte,
            Self::Within(inside, ranges) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte)) == *inside
            }
        }
    }
}

/// Reads on behind a `[`, as Redis does: one that is never closed ends with the pattern.
fn class(rest: &mut &[u8]) -> Part {
    let inside = rest.first() != Some(&b'^');
    if !inside {
        *rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    loop {
        let (range, others) = match *rest {
            [] => break,
            [b'\\', escaped, others @ ..] => ((*escaped, *escaped), others),
            [b']', others @ ..] => {
                *rest = others;
                break;
            }
            [from, b'-', to, others @ ..] => ((*from.min(to), *from.max(to)), others),
            [byte, others @ ..] => ((*byte, *byte), others),
        };
        ranges.push(range);
        *rest = others;
    }
    Part::Within(inside, ranges)
}

#[cfg(test)]
mod tests {
    use encke_testkit::RedisServer;

    use super::*;

    #[test]
    fn a_pattern_matches_what_redis_says_that_it_does() {
        let redis = RedisServer::start();
        let (letters, specials) = (['a', 'b', 'c', '-', ']', '^', '.'], ['*', '?', '[', '\\', '*']);
        let mut counted = 0;
        for seed in 0..40 {
            fastrand::seed(seed);
            let letter = |_| letters[fastrand::usize(..letters.len())];
            let any = |at| if fastrand::bool() { letter(at) } else { specials[fastrand::usize(..5)] };
            let names: Vec<String> =
                (0..40).map(|_| (0..fastrand::usize(1..6)).map(letter).collect()).collect();
            redis.run(&["FLUSHALL"]);
            let set = names.iter().flat_map(|name| [name.as_str(), ""]);
            redis.run(&[&["MSET"], set.collect::<Vec<_>>().as_slice()].concat());
            for _ in 0..25 {
                let pattern: String = (0..fastrand::usize(1..7)).map(any).collect();
                let answer = redis.run(&["KEYS", &pattern]);
                let known: Vec<&str> = answer.lines().collect();
                let glob = Glob::new(&pattern);
                for name in &names {
                    let expected = known.contains(&name.as_str());
                    counted += usize::from(expected);
                    assert_eq!(glob.matches(name.as_bytes()), expected, "{pattern} on {name}");
                }
            }
        }
        assert!(counted > 1_000, "{counted}");
    }
}
