use std::sync::{Mutex, PoisonError};

/// Labels that other nodes have named. They are few, the words of transports, and so they are kept for ever.
struct Labels(Mutex<Vec<&'static str>>);

static LABELS: Labels = Labels(Mutex::new(Vec::new()));

/// The label of this text; `other`, if there are too many or it is too long.
pub(super) fn label(text: &str) -> &'static str {
    LABELS.of(text)
}

impl Labels {
    /// Labels that are kept.
    const LIMIT: usize = 64;
    /// Bytes of one.
    const BYTES: usize = 32;

    fn of(&self, text: &str) -> &'static str {
        let mut labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match labels.iter().find(|known| **known == text) {
            Some(known) => known,
            None if labels.len() < Self::LIMIT && text.len() <= Self::BYTES => {
                let label: &'static str = String::leak(text.to_owned());
                labels.push(label);
                label
            }
            None => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_few_and_short() {
        let labels = Labels(Mutex::new(Vec::new()));
        assert_eq!((labels.of("sse"), labels.of(&"x".repeat(Labels::BYTES + 1))), ("sse", "other"));
        for index in 1..2 * Labels::LIMIT {
            let text = format!("label {index}");
            assert_eq!(labels.of(&text), if index < Labels::LIMIT { &text } else { "other" });
        }
        assert_eq!((labels.of("sse"), labels.of("label 1"), labels.of("new")), ("sse", "label 1", "other"));
    }
}
