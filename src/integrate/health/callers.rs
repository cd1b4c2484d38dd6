//! Whether calls arrive: what calls netcue, and what stands in its way.

use std::path::{Path, PathBuf};

use super::{Examined, Finding};
use crate::integrate::{
    self, PROGRAMS, attachment, boot_attention, boot_choice, has_callers, has_program, is_on,
};
use crate::sources::{ALL, by_place};

/// Links and lines outlive a program that is removed or moved.
pub(super) fn program(examined: &Examined) -> Vec<Finding> {
    let seen = &examined.seen;
    let spots = || ALL.iter().flat_map(|source| attachment(seen, source).spots);
    if !has_program(seen) {
        let callers: Vec<String> = spots().map(|spot| spot.at.display().to_string()).collect();
        if callers.is_empty() {
            return vec![Finding::ok("program", "nothing calls it yet")];
        }
        return vec![Finding::attention(
            "program",
            format!(
                "there is no {}, and it is called by {}",
                PROGRAMS.join(" or "),
                callers.join(" ")
            ),
            "install netcue there, or take the callers out with \"netcue disable\"",
        )];
    }
    let dangling: Vec<Finding> = spots()
        .filter(|spot| spot.is_dangling(seen))
        .map(|spot| {
            Finding::attention(
                "program",
                format!("{} leads to a program that is gone", spot.at.display()),
                "run \"netcue enable\" for that source: it makes the link anew",
            )
        })
        .collect();
    if dangling.is_empty() {
        return vec![Finding::ok("program", "it is where its callers look for it")];
    }
    dangling
}

pub(super) fn sources(examined: &Examined) -> Vec<Finding> {
    ALL.iter()
        .filter(|source| has_callers(source))
        .filter_map(|source| {
            let name = source.name.as_str();
            let attachment = attachment(&examined.seen, source);
            let on = is_on(&examined.seen, source);
            let is_called = !attachment.spots.is_empty();
            if !on && is_called {
                return Some(Finding::attention(
                    "sources",
                    format!("{name} calls netcue and is switched off: its calls do nothing"),
                    format!("netcue enable {name}, or netcue disable {name} to take out the calls"),
                ));
            }
            if !on || !attachment.installed {
                return None;
            }
            if !attachment.missing.is_empty() {
                // That a program is installed does not say that it is to call.
                let has_called =
                    examined.heard.as_ref().is_ok_and(|heard| heard.contains_key(name));
                let finding =
                    if is_called || has_called { Finding::attention } else { Finding::unknown };
                return Some(finding(
                    "sources",
                    format!("{name} is on, but {}", attachment.missing.join("; ")),
                    format!("netcue enable {name}, or netcue disable {name} if it is not wanted"),
                ));
            }
            if !is_called {
                return None;
            }
            Some(last_heard(examined, name))
        })
        .collect()
}

fn last_heard(examined: &Examined, name: &str) -> Finding {
    match &examined.heard {
        Err(why) => Finding::unknown("sources", why, "run this as root"),
        Ok(heard) => match heard.get(name) {
            Some(time) => Finding::ok("sources", format!("{name} last called at {time:.0}")),
            None if examined.heard_whole => Finding::unknown(
                "sources",
                format!("{name} is set up and was never heard of"),
                "if it should have called by now, see its own log for why it did not",
            ),
            None => Finding::ok("sources", format!("{name} has not called lately")),
        },
    }
}

/// Debian's wrappers run `X.local` instead of everything in the folder.
pub(super) fn wrapper(examined: &Examined) -> Vec<Finding> {
    let replaced = |(path, text): &(PathBuf, String)| {
        let hands_on = text.contains("netcue") || text.contains("run-parts");
        let file = path.with_extension("");
        let (source, trigger) = by_place(path, Path::new("/"))?.first();
        let trigger = trigger?;
        let is_wanted = is_on(&examined.seen, source);
        let wrapped = examined.seen.text(&file).is_some_and(|text| text.contains(".local"));
        if hands_on || !is_wanted || !wrapped {
            return None;
        }
        Some(Finding::attention(
            "wrapper",
            format!("{} takes the place of everything in {}.d", path.display(), file.display()),
            format!(
                "put this line into it: {} from {} {} \"$@\"",
                integrate::program(&examined.seen),
                source.name,
                trigger.word
            ),
        ))
    };
    examined.locals.iter().filter_map(replaced).collect()
}

/// Also where nobody switched diald on here: by the old recipe pppd's calls were enough,
/// because something else had switched forwarding on.
pub(super) fn dialling(examined: &Examined) -> Vec<Finding> {
    let never = integrate::never_dials(&examined.seen).into_iter();
    let finding = |(what, file)| {
        let mend = format!("netcue enable diald --edit {file}, and restart diald");
        Finding::attention("dialling", what, mend)
    };
    never.map(finding).collect()
}

pub(super) fn boot(examined: &Examined) -> Vec<Finding> {
    let choice = boot_choice(&examined.seen);
    let advice = boot_attention(&examined.seen);
    if !choice.stage.is_early() || advice.is_empty() {
        return Vec::new();
    }
    let what =
        format!("the boot event comes at \"{}\": {}", choice.stage.as_str(), advice.join("; "));
    vec![Finding::attention("boot", what, "netcue enable boot --stage services")]
}
