use fastrand::Rng;

/// What parsers stumble over: the edges of numbers, of texts and of the languages that our output stands in.
const TOKENS: &[&str] = &[
    "\0",
    "\r",
    "\n",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "\u{7f}",
    "</script>",
    "<!--",
    "-->",
    "--!>",
    "]]>",
    "<script",
    "&lt;",
    "'",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\u005f",
    "__proto__",
    "\"__proto__\":1,",
    "-1",
    "0",
    "1e999",
    "-0",
    "18446744073709551615",
    "18446744073709551616",
    "1e3",
    "01",
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":",
    ",",
    ":",
    ";",
    "=",
    "&",
    "%",
    "%00",
    "%F0%9F",
    "+",
    "-",
    ".",
    "*",
    "**",
    "/",
    "://",
    "q=0",
    "data:",
    "id:",
    "event:",
    "retry:",
    "7f3k2q9x-42",
    "earliest",
    "latest",
    "2026-11-21T09:00:00Z",
    "\"type\":\"message\"",
];

/// Makes inputs out of a corpus: the same ones for the same seed.
#[derive(Debug)]
pub struct Mutator<'a> {
    corpus: &'a [Vec<u8>],
    random: Rng,
}

impl<'a> Mutator<'a> {
    /// A mutator of these inputs.
    #[must_use]
    pub fn new(corpus: &'a [Vec<u8>], seed: u64) -> Self {
        Self { corpus, random: Rng::with_seed(seed) }
    }

    /// The next input: one of the corpus after a few changes, and now and then random bytes.
    #[must_use]
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = match self.random.choice(self.corpus) {
            Some(seed) if self.random.u8(..) > 8 => seed.clone(),
            _ => self.bytes(64),
        };
        for _ in 0..=self.random.usize(..4) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let at = random.usize(..=input.len());
        let end = (at + random.usize(..=8)).min(input.len());
        match random.u8(..8) {
            0 if at < input.len() => input[at] ^= 1 << random.u8(..8),
            1 if at < input.len() => input[at] = random.u8(..),
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => input.splice(at..at, self.bytes(4)).for_each(drop),
            5 => {
                let part = input[at..end].repeat(random.usize(..4));
                input.splice(at..at, part).for_each(drop);
            }
            6 => {
                let other = random.choice(self.corpus).map_or(&[][..], Vec::as_slice);
                let from = random.usize(..=other.len());
                let part = &other[from..(from + 16).min(other.len())];
                input.splice(at..at, part.iter().copied()).for_each(drop);
            }
            _ => {
                let token = TOKENS[random.usize(..TOKENS.len())];
                input.splice(at..end, token.bytes()).for_each(drop);
            }
        }
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let length = self.random.usize(..=longest);
        std::iter::repeat_with(|| self.random.u8(..)).take(length).collect()
    }
}
