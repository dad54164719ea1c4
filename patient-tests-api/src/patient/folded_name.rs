//! Names in the form in which a search compares them.

use std::fmt;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};

/// A name without differences of spelling: letter case, composed or decomposed letters, width and
/// other compatibility forms (NFKC, Unicode Standard Annex 15), surrounding white space, and the
/// amount of white space between words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct FoldedName(String);

impl FoldedName {
    /// Folds a name.
    pub(super) fn of(name: &str) -> Self {
        let folded = if name.is_ascii() { name.to_ascii_lowercase() } else { fold(name) };
        let mut words = folded.split_whitespace();
        let mut name = words.next().unwrap_or_default().to_owned();
        for word in words {
            name.push(' ');
            name.push_str(word);
        }
        Self(name)
    }
}

impl fmt::Display for FoldedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Full case folding of the normal form, normalised again: folding decomposes letters, and its
/// results may have compatibility forms.
fn fold(name: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let case = CaseMapper::new();
    let once = nfkc.normalize(&case.fold_string(&nfkc.normalize(name))).into_owned();
    nfkc.normalize(&case.fold_string(&once)).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(name: &str) -> String {
        FoldedName::of(name).to_string()
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for spellings in [
            &["Müller", "MÜLLER", "mu\u{308}ller", " Müller ", "Ｍüller"][..],
            &["Straße", "STRASSE", "straẞe"],
            &["Ada Lovelace", "ada\t \u{a0}lovelace", "ADA LOVELACE "],
            &["Ångström", "A\u{30a}ngstro\u{308}m", "\u{212b}ngström"],
            &["Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"],
            &["ﬁona", "Fiona"],
            &["Nguyễn", "Nguye\u{302}\u{303}n", "NGUYỄN"],
        ] {
            for spelling in spellings {
                assert_eq!(folded(spelling), folded(spellings[0]), "{spelling}");
            }
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [("Müller", "Muller"), ("Ada", "A da"), ("José", "Jose"), ("I", "ı")]
        {
            assert_ne!(folded(one), folded(other));
        }
    }

    #[test]
    fn a_folded_letter_stays_as_it_is() {
        // Beyond the first two planes no character has letter case, and few have normal forms.
        for letter in '\0'..='\u{1ffff}' {
            let once = folded(&letter.to_string());

            assert_eq!(folded(&once), once, "{letter:?}");
        }
    }

    proptest! {
        #[test]
        fn a_folded_name_stays_as_it_is(name in ".*") {
            let once = folded(&name);

            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn upper_and_lower_case_do_not_matter(name in "[a-zäöüéèàçñ ]{0,20}") {
            prop_assert_eq!(folded(&name.to_uppercase()), folded(&name));
        }
    }
}
