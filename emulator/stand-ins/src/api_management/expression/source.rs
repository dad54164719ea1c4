//! The text of an expression, and the values that Terraform inserts into it.

/// The text of an expression.
pub(super) enum Source {
    Exact(&'static str),
    /// A number that Terraform inserts between two parts.
    Number(&'static str, &'static str),
    /// `@(true`, then a string between two parts for each item of a list that Terraform inserts,
    /// then `)`.
    TrueAndEach(&'static str, &'static str),
}

/// The values that Terraform has inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    Nothing,
    Number(u64),
    Texts(Vec<String>),
}

impl Source {
    /// The beginning, which is unique.
    pub(super) fn beginning(&self) -> &'static str {
        match self {
            Self::Exact(text) | Self::Number(text, _) | Self::TrueAndEach(text, _) => text,
        }
    }

    /// The values inserted into this text, if the rest of it is this source.
    pub(super) fn match_text(&self, text: &str) -> Option<Inserted> {
        match self {
            Self::Exact(source) => (text == *source).then_some(Inserted::Nothing),
            Self::Number(before, after) => {
                let number = text.strip_prefix(before)?.strip_suffix(after)?;
                number.parse().ok().map(Inserted::Number)
            }
            Self::TrueAndEach(before, after) => {
                let mut rest = text.strip_prefix("@(true")?.strip_suffix(')')?;
                let mut texts = Vec::new();
                while !rest.is_empty() {
                    let (text, following) = rest.strip_prefix(before)?.split_once(after)?;
                    texts.push(text.to_owned());
                    rest = following;
                }
                Some(Inserted::Texts(texts))
            }
        }
    }
}

impl Inserted {
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Nothing | Self::Texts(_) => 0,
        }
    }

    pub(super) fn texts(&self) -> &[String] {
        match self {
            Self::Texts(texts) => texts,
            Self::Nothing | Self::Number(_) => &[],
        }
    }
}
