//! Patterns of names, with `*` and `?`.

/// Whether a text fits a pattern in which `*` stands for any text and `?` for one character.
///
/// Only the last `*` is ever tried again: what the ones before it took is the shortest that
/// fits, and a longer one would leave less for the rest. So the work is bounded by the
/// product of both lengths, whatever the pattern.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut last_star = None;
    loop {
        let mut behind = pattern.clone();
        match (behind.next(), text.clone().next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                last_star = Some((behind.clone(), text.clone()));
                pattern = behind;
                continue;
            }
            (Some(wanted), Some(has)) if wanted == '?' || wanted == has => {
                pattern = behind;
                text.next();
                continue;
            }
            _ => {}
        }
        let Some((behind_star, taken)) = &mut last_star else { return false };
        if taken.next().is_none() {
            return false;
        }
        (pattern, text) = (behind_star.clone(), taken.clone());
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, text, fits) in [
            ("ppp0", "ppp0", true),
            ("ppp0", "ppp01", false),
            ("ppp*", "ppp", true),
            ("ppp?", "ppp", false),
            ("*", "", true),
            ("?*", "", false),
            ("*0", "ppp00", true),
            ("p*0*1", "ppp0x01", true),
            ("p*0*2", "ppp0x01", false),
            ("**?*", "x", true),
            ("ü?", "üö", true),
        ] {
            assert_eq!(super::fits(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_stars_costs_no_time() {
        let pattern = "*a".repeat(2000) + "b";
        let watch = std::time::Instant::now();
        assert!(!super::fits(&pattern, &"a".repeat(256)));
        assert!(watch.elapsed() < std::time::Duration::from_secs(2));
    }
}
