//! diald: it owns its configuration, so the lines are printed, looked for, and put in
//! between markers only where that is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{
    Change, Integration, Seen, Spot, Stage, Step, Wish, boot_choice, is_program, markers, program,
};
use crate::paths::Layout;
use crate::sources;
use crate::sys::place::Thing;

pub(super) const INTEGRATION: Integration = Integration {
    source: &sources::DIALD,
    look,
    is_installed: Some(is_installed),
    is_edited: true,
    plan,
    spots,
    missing,
    boot_advice: Some(
        "with diald the boot event should be off or \"services\": diald starts late and puts the \
         default route on its proxy; rules made before that know no external interface until its \
         addroute comes",
    ),
};

/// Where diald reads its options from: Debian's, and what it is built with.
const FILES: [&str; 3] = ["/etc/diald/diald.options", "/etc/diald/diald.conf", "/etc/diald.conf"];

/// The options that run netcue; each takes one command.
const WORDS: [&str; 5] = ["addroute", "delroute", "ip-up", "ip-down", "ip-goingdown"];

/// What is to be done once the lines are there.
const RESTART: &str = "restart diald, which reads its options when it starts: the addroute of its \
                       proxy then puts the rules in force and switches forwarding on";

/// What a machine lacks whose diald doesn't call by addroute and whose boot event comes too
/// early to see its proxy: the packet that would make it dial.
const NEVER_DIALS: &str = "nothing switches forwarding on when diald's proxy takes the default \
                           route, so no packet from inside reaches the proxy, and diald never \
                           dials for one";

/// `1` while the kernel forwards, whoever told it to.
const IP_FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// What is there where diald is.
const TRACES: [&str; 4] =
    ["/usr/sbin/diald", "/usr/local/sbin/diald", "/etc/diald", "/etc/diald.conf"];

fn look(seen: &mut Seen, layout: &Layout) {
    seen.look_at(layout, FILES);
    seen.look_at(layout, TRACES);
    seen.look_at(layout, [IP_FORWARD]);
    seen.look_at(layout, WORDS.map(link));
}

fn is_installed(seen: &Seen) -> bool {
    TRACES.iter().any(|path| seen.has(path))
}

/// Where a link to netcue stands for an option.
fn link(word: &str) -> PathBuf {
    Path::new("/etc/diald").join(word)
}

fn line(seen: &Seen, word: &str) -> String {
    format!("{word} \"{} from diald {word}\"\n", program(seen))
}

/// What an option runs now: netcue, or something else in this line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Runs {
    Netcue { number: usize, link: Option<Spot> },
    Other { number: usize, line: String },
}

impl Runs {
    fn is_netcue(&self) -> bool {
        matches!(self, Self::Netcue { .. })
    }
}

/// What each of the options runs; of several lines the last holds.
fn options(seen: &Seen, text: &str) -> BTreeMap<&'static str, Runs> {
    let mut found = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let (first, rest) =
            line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let Some(word) = WORDS.into_iter().find(|word| *word == first) else { continue };
        let command: Vec<&str> =
            rest.split(['"', '\'', ' ', '\t']).filter(|part| !part.is_empty()).collect();
        let calls_netcue = matches!(command.as_slice(), [path, "from", "diald", trigger, ..]
            if path.ends_with("/netcue") && *trigger == word);
        let link = our_link(seen, word).filter(|link| command == [link.at.as_os_str()]);
        let runs = if calls_netcue || link.is_some() {
            Runs::Netcue { number, link }
        } else {
            Runs::Other { number, line: line.trim().to_owned() }
        };
        found.insert(word, runs);
    }
    found
}

/// Scripts of the same names come with diald.
fn our_link(seen: &Seen, word: &str) -> Option<Spot> {
    let at = link(word);
    match seen.at(&at) {
        Thing::Link(to) if is_program(to) => Some(Spot::link(&at, to)),
        _ => None,
    }
}

fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    match (wish.on, wish.edit) {
        (true, Some(file)) => edit_in(seen, file),
        (false, Some(file)) => edit_out(seen, file),
        (true, None) => advise(seen),
        (false, None) => remind(seen),
    }
}

fn edit_in(seen: &Seen, file: &Path) -> Vec<Step> {
    let (text, rest) = match markers::opened(seen, file) {
        Ok(opened) => opened,
        Err(refused) => return vec![refused],
    };
    let there = options(seen, &rest);
    let mut steps = Vec::new();
    let mut lines = String::new();
    for word in WORDS {
        match there.get(word) {
            None => lines.push_str(&line(seen, word)),
            Some(Runs::Netcue { .. }) => {}
            Some(Runs::Other { number, line: other }) => steps.push(Step::Refused(format!(
                "{}:{number}: {other:?} is in the place of {:?}: call netcue from that script, or \
                 remove the line and run this again",
                file.display(),
                line(seen, word).trim_end()
            ))),
        }
    }
    let new = if lines.is_empty() { rest } else { markers::at_the_end(&rest, &lines) };
    let step = write(file, &text, new, "has the lines");
    let is_new = matches!(step, Step::Do(_));
    steps.push(step);
    if is_new {
        steps.push(Step::Say(RESTART.to_owned()));
    }
    steps
}

fn edit_out(seen: &Seen, file: &Path) -> Vec<Step> {
    let (text, rest) = match markers::opened(seen, file) {
        Ok(opened) => opened,
        Err(refused) => return vec![refused],
    };
    let by_hand = options(seen, &rest).into_iter().filter(|(_, runs)| runs.is_netcue());
    let mut steps: Vec<Step> = by_hand
        .map(|(word, _)| {
            let file = file.display();
            Step::Refused(format!("{file}: the line of {word:?} is not between markers: remove it"))
        })
        .collect();
    steps.push(write(file, &text, rest, "has no lines between markers"));
    steps
}

fn write(file: &Path, old: &str, new: String, already: &str) -> Step {
    if old == new {
        return Step::Already(format!("{} {already}", file.display()));
    }
    Step::Do(Change::Write { at: file.to_owned(), content: new.into_bytes() })
}

/// The options file that is there, or Debian's.
fn file(seen: &Seen) -> &'static str {
    let there = FILES.into_iter().find(|file| seen.has(file));
    there.unwrap_or("/etc/diald/diald.options")
}

/// The file with the most of our lines, and which options lack theirs.
fn in_files(seen: &Seen) -> (&'static str, Vec<&'static str>) {
    let lacking = |file: &&'static str| -> Vec<&'static str> {
        let there = options(seen, &seen.text(file).unwrap_or_default());
        WORDS.into_iter().filter(|word| !there.get(word).is_some_and(Runs::is_netcue)).collect()
    };
    let best = FILES.iter().map(|file| (*file, lacking(file))).min_by_key(|(_, lacks)| lacks.len());
    match best {
        Some((file, lacks)) if lacks.len() < WORDS.len() => (file, lacks),
        _ => (file(seen), WORDS.to_vec()),
    }
}

fn advise(seen: &Seen) -> Vec<Step> {
    let (file, lacking) = in_files(seen);
    if lacking.is_empty() {
        return vec![Step::Already(format!("{file} has the lines"))];
    }
    let lines: String = lacking.iter().map(|word| line(seen, word)).collect();
    let text = format!(
        "put these lines into {file}, or let \"netcue enable diald --edit {file}\" do it:\n{lines}"
    );
    let mut steps = vec![Step::Say(text.trim_end().to_owned())];
    if never_dials(seen).is_some() {
        steps.push(Step::Say(format!("until then {NEVER_DIALS}")));
    }
    steps.push(Step::Say(format!("then {RESTART}")));
    steps
}

fn remind(seen: &Seen) -> Vec<Step> {
    let (file, lacking) = in_files(seen);
    if lacking.len() == WORDS.len() {
        return vec![Step::Already("no line of its configuration calls netcue".to_owned())];
    }
    let text = format!(
        "{file} still calls netcue: its calls are recorded and nothing runs; \"netcue disable \
         diald --edit {file}\" takes the lines out"
    );
    vec![Step::Say(text)]
}

fn spots(seen: &Seen) -> Vec<Spot> {
    let (file, _) = in_files(seen);
    let mut spots = Vec::new();
    let there = options(seen, &seen.text(file).unwrap_or_default());
    let (mut numbers, mut links) = (Vec::new(), Vec::new());
    for runs in there.into_values() {
        if let Runs::Netcue { number, link } = runs {
            numbers.push(number);
            links.extend(link);
        }
    }
    if !numbers.is_empty() {
        numbers.sort_unstable();
        spots.push(Spot::lines(file, numbers));
    }
    spots.extend(links);
    spots
}

fn missing(seen: &Seen) -> Vec<String> {
    match in_files(seen) {
        (_, lacking) if lacking.is_empty() => Vec::new(),
        (file, lacking) => vec![format!("no line in {file} for {}", lacking.join(", "))],
    }
}

/// Why diald can't dial for anybody inside, and the file that could mend it. What a script
/// of somebody else's does in addroute is not known, and not doubted.
pub(super) fn never_dials(seen: &Seen) -> Option<(&'static str, &'static str)> {
    let forwards = seen.text(IP_FORWARD).is_some_and(|text| text.trim() == "1");
    let (file, _) = in_files(seen);
    let has_addroute = options(seen, &seen.text(file).unwrap_or_default()).contains_key("addroute");
    let comes_late = boot_choice(seen).stage == Stage::Services;
    let could = has_addroute || comes_late || forwards || !is_installed(seen);
    (!could).then_some((NEVER_DIALS, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_those_of_the_integration() {
        let shipped = include_str!("../../integrations/diald/diald.options");
        let shipped: Vec<&str> = shipped.lines().filter(|line| !line.starts_with('#')).collect();
        let seen = Seen::default();
        let ours: String = WORDS.iter().map(|word| line(&seen, word)).collect();
        assert_eq!(ours.lines().collect::<Vec<_>>(), shipped);
    }

    #[test]
    fn an_option_is_recognised_however_it_is_written() {
        let text = "# addroute \"/usr/sbin/netcue from diald addroute\"\n\
                    addroute /etc/diald/addroute\n\
                    delroute   '/usr/local/sbin/netcue from diald delroute'\n\
                    ip-up \"/usr/sbin/netcue from diald ip-down\"\n\
                    ip-down /etc/diald/mine\nip-down \"/usr/sbin/netcue from diald ip-down\"\n\
                    ip-goingdown /etc/diald/ip-goingdown\n";
        let ours = Thing::Link("/usr/sbin/netcue".into());
        let seen = Seen::made_up([
            ("/etc/diald/addroute", ours),
            ("/etc/diald/ip-goingdown", Thing::File(b"#!/bin/sh\n".to_vec())),
        ]);
        let found = options(&seen, text);
        let link = Some(Spot::link("/etc/diald/addroute", "/usr/sbin/netcue"));
        assert_eq!(found.get("addroute"), Some(&Runs::Netcue { number: 2, link }));
        assert_eq!(found.get("delroute"), Some(&Runs::Netcue { number: 3, link: None }));
        assert!(matches!(found.get("ip-up"), Some(Runs::Other { number: 4, .. })));
        assert_eq!(found.get("ip-down"), Some(&Runs::Netcue { number: 6, link: None }));
        assert!(matches!(found.get("ip-goingdown"), Some(Runs::Other { number: 7, .. })));
    }
}
