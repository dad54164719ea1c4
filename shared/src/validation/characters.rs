//! Which characters a text may contain.

use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, WhiteSpace};

/// Whether a text may contain a character. Control characters (C0, DEL, C1) are not allowed, nor
/// are bidirectional overrides and isolates, which can disguise a text as another (Unicode Standard
/// Annex 9, 2.1 to 2.5). Joiners, direction marks and combining characters occur in names and are
/// allowed.
pub(crate) fn is_allowed(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is visible: neither white space nor a character that only affects how others
/// are displayed (property `Default_Ignorable_Code_Point`, Unicode Standard, 5.21).
pub(crate) fn is_visible(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_graphic();
    }
    !character.is_control()
        && !BLANKS.contains(&character)
        && !CodePointSetData::new::<WhiteSpace>().contains(character)
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Invisible characters that the properties miss: the Braille pattern without dots is a symbol, and
/// annotation characters are not default-ignorable.
const BLANKS: [char; 4] = ['\u{2800}', '\u{fff9}', '\u{fffa}', '\u{fffb}'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_marks_and_symbols_are_visible() {
        for character in ['a', '~', 'é', 'ß', '字', '\u{301}', '🧪', 'ـ', '\u{e000}'] {
            assert!(is_visible(character), "{character:?}");
        }
    }

    #[test]
    fn blanks_controls_and_formats_are_not() {
        for character in [
            ' ',
            '\t',
            '\n',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{115f}',
            '\u{180e}',
            '\u{2003}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0020}',
        ] {
            assert!(!is_visible(character), "{character:?}");
        }
    }

    #[test]
    fn controls_and_overrides_are_not_allowed_and_joiners_and_marks_are() {
        for character in ['\0', '\t', '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{202a}', '\u{202e}'] {
            assert!(!is_allowed(character), "{character:?}");
        }
        for character in ['\u{2066}', '\u{2069}'] {
            assert!(!is_allowed(character), "{character:?}");
        }
        for character in ['\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{61c}', '\u{301}'] {
            assert!(is_allowed(character), "{character:?}");
        }
    }
}
