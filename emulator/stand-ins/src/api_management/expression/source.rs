//! The text of an expression, and what Terraform writes into it.

/// The text of an expression.
pub(super) enum Source {
    Exact(&'static str),
    /// With a number that Terraform writes between two parts.
    Number(&'static str, &'static str),
    /// `@(true`, then for each text of a list that Terraform writes one text between two parts,
    /// then `)`.
    TrueAndEach(&'static str, &'static str),
}

/// What Terraform wrote into an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Nothing,
    Number(u64),
    Texts(Vec<String>),
}

impl Source {
    /// How it begins, which tells it from the others.
    pub(super) fn beginning(&self) -> &'static str {
        match self {
            Self::Exact(text) | Self::Number(text, _) | Self::TrueAndEach(text, _) => text,
        }
    }

    /// What Terraform has written into this text, if the rest of it is this source.
    pub(super) fn written_in(&self, text: &str) -> Option<Written> {
        match self {
            Self::Exact(source) => (text == *source).then_some(Written::Nothing),
            Self::Number(before, after) => {
                let number = text.strip_prefix(before)?.strip_suffix(after)?;
                number.parse().ok().map(Written::Number)
            }
            Self::TrueAndEach(before, after) => {
                let mut rest = text.strip_prefix("@(true")?.strip_suffix(')')?;
                let mut texts = Vec::new();
                while !rest.is_empty() {
                    let (text, following) = rest.strip_prefix(before)?.split_once(after)?;
                    texts.push(text.to_owned());
                    rest = following;
                }
                Some(Written::Texts(texts))
            }
        }
    }
}

impl Written {
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
