//! Text in a picture: made safe for XML, and how wide it is drawn.

use crate::answers::shared::markup;

/// Words behind a name, in a style of their own, and the room they take from it.
pub(super) fn aside(words: &str, style: &str, size: f64) -> (String, f64) {
    if words.is_empty() {
        return (String::new(), 0.0);
    }
    (format!("<tspan {style} dx=\"8\">{}</tspan>", xml(words)), width(words, size) + 10.0)
}

/// How wide a text is drawn, rather too much than too little: nobody knows the reader's font.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems = text.chars().map(|c| match c {
        'i' | 'j' | 'l' | ' ' | '.' | ',' | ':' | '|' | '\'' => 0.36,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        c if c.is_ascii_uppercase() => 0.72,
        c if c.is_ascii() || ('\u{a0}'..'\u{250}').contains(&c) => 0.6,
        _ => 1.0,
    });
    ems.sum::<f64>() * size
}

/// The text, or as much of its beginning as has room.
pub(super) fn fit(text: &str, room: f64, size: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept, size) + size > room {
            kept.pop();
            break;
        }
    }
    kept + "\u{2026}"
}

/// Text as XML takes it, in elements and attributes.
pub(super) fn xml(text: &str) -> String {
    // Not allowed in XML at all.
    let is_barred = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}') || c.is_control();
    markup::escaped(&text.replace(is_barred, "\u{fffd}"))
}
