//! Whether calls arrive: what calls netcue, and what stands in its way.

use std::path::{Path, PathBuf};

use super::{Ahead, Examined, Finding};
use crate::answers::shared::when;
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
            return vec![Finding::ok("nothing calls it yet")];
        }
        return vec![Finding::attention(
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
                format!("{} leads to a program that is gone", spot.at.display()),
                "run \"netcue enable\" for that source: it makes the link anew",
            )
        })
        .collect();
    if dangling.is_empty() {
        return vec![Finding::ok("it is where its callers look for it")];
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
            let unheeded = examined.unheeded.get(name);
            if !on && (is_called || unheeded.is_some()) {
                let what = format!("{name} calls netcue and is switched off: its calls do nothing");
                let to_do = if is_called {
                    format!("netcue enable {name}, or netcue disable {name} to take out the calls")
                } else {
                    format!("netcue enable {name}, or take the call out of what makes it")
                };
                let finding = Finding::attention(what, to_do).since(unheeded.copied());
                return Some(finding.mended_by(format!("netcue enable {name}")).about(name));
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
                let what = format!("{name} is on, but {}", attachment.missing.join("; "));
                let to_do =
                    format!("netcue enable {name}, or netcue disable {name} if it is not wanted");
                let finding = finding(what, to_do).mended_by(format!("netcue enable {name}"));
                return Some(finding.about(name));
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
        Err(why) => Finding::unknown(why, "run this as root"),
        Ok(heard) => match heard.get(name) {
            Some(time) => Finding::ok(format!("{name} last called at {time:.0}")),
            None if examined.heard_whole => Finding::unknown(
                format!("{name} is set up and was never heard of"),
                "if it should have called by now, see its own log for why it did not",
            ),
            None => Finding::ok(format!("{name} has not called lately")),
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
        let (local, file) = (path.display(), file.display());
        let what = format!("{local} takes the place of everything in {file}.d");
        let to_do = format!(
            "put this line into it: {} from {} {} \"$@\"",
            integrate::program(&examined.seen),
            source.name,
            trigger.word
        );
        Some(Finding::attention(what, to_do).about(source.name.as_str()))
    };
    let mut found: Vec<Finding> = examined.locals.iter().filter_map(replaced).collect();
    found.extend(examined.not_executable.iter().map(|(source, file)| {
        let file = file.display();
        let what = format!("{file} is not executable, so nothing in {file}.d is run");
        let command = format!("chmod +x {file}");
        Finding::attention(what, command.clone()).mended_by(command).about(*source)
    }));
    found.extend(examined.ahead.iter().map(|ahead| {
        let Ahead { source, script, link, pid, since } = ahead;
        let ran = when::lasting(when::ms_since(*since));
        let what = format!(
            "{} (pid {pid}) has run for {ran}, and {} is run behind it",
            script.display(),
            link.display()
        );
        let to_do = format!("see what it waits for, or end it with kill {pid}");
        let finding = Finding::attention(what, to_do).since(Some(*since));
        finding.mended_by(format!("kill {pid}")).about(*source)
    }));
    found
}

/// Also where nobody switched diald on here: by the old recipe pppd's calls were enough,
/// because something else had switched forwarding on.
pub(super) fn dialling(examined: &Examined) -> Vec<Finding> {
    let never = integrate::never_dials(&examined.seen).into_iter();
    let finding = |(what, file)| {
        let mend = format!("netcue enable diald --edit {file}, and restart diald");
        Finding::attention(what, mend)
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
    vec![Finding::attention(what, "netcue enable boot --stage services")]
}
