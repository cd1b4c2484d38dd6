//! What stands in the rows of the table of sources, put in place: links, files, lines in files
//! of others, and lines for a configuration that is the source's own.

use std::path::{Path, PathBuf};

use super::links::{self, for_this_machine};
use super::{Change, Seen, Spot, Step, Wish, is_on, markers, program};
use crate::paths::Layout;
use crate::sources::{ALL, Attach, Configured, Edit, Part, Source};
use crate::sys::place::Thing;

pub(super) fn look(attach: &Attach, seen: &mut Seen, layout: &Layout) {
    seen.look_at(layout, attach.traces);
    seen.look_at(layout, attach.reload.map(|(guard, _)| guard));
    for part in attach.parts {
        match part {
            Part::Link { at, .. } | Part::File { at, .. } | Part::Lines { at, .. } => {
                seen.look_at(layout, [at]);
                let folder = folder(at);
                seen.look_at(layout, [folder, self::folder(folder)]);
                seen.list(layout, folder);
            }
            Part::Configured(configured) => {
                seen.look_at(layout, configured.files);
                for (folder, ending) in configured.folders {
                    seen.list(layout, *folder);
                    let names = seen.names(folder).to_vec();
                    let files = names
                        .iter()
                        .filter(|name| name.to_str().is_some_and(|name| name.ends_with(ending)));
                    let files: Vec<PathBuf> =
                        files.map(|name| Path::new(folder).join(name)).collect();
                    seen.look_at(layout, files);
                }
            }
        }
    }
}

fn folder(at: &str) -> &str {
    at.rsplit_once('/').map_or("", |(folder, _)| folder)
}

pub(super) fn is_installed(seen: &Seen, attach: &Attach) -> bool {
    attach.traces.is_empty() || attach.traces.iter().any(|path| seen.has(path))
}

pub(super) fn is_edited(attach: &Attach) -> bool {
    attach.parts.iter().any(|part| matches!(part, Part::Configured(_)))
}

pub(super) fn plan(seen: &Seen, wish: &Wish<'_>) -> Vec<Step> {
    let attach = &wish.source.attach;
    let mut steps: Vec<Step> = Vec::new();
    for part in attach.parts {
        steps.extend(match (part, wish.on) {
            (Part::Configured(configured), _) => of_configuration(seen, wish, configured),
            (part, true) => put_in(seen, wish.source, part),
            (part, false) => take_out(seen, wish.source, part),
        });
    }
    let changes = steps.iter().any(|step| matches!(step, Step::Do(_)));
    let reload = attach.reload.filter(|(guard, _)| changes && seen.live && seen.has(guard));
    if let Some((_, words)) = reload {
        steps.push(Step::Do(Change::Run(words.iter().map(ToString::to_string).collect())));
    }
    if wish.on && changes && !attach.needs.is_empty() {
        steps.push(Step::Say(attach.needs.to_owned()));
    }
    steps
}

/// Whether a part's folder is there, or is ours to make on a machine that has the system.
fn has_room(seen: &Seen, source: &Source, at: &str, own_folder: bool) -> bool {
    let folder = folder(at);
    *seen.at(folder) == Thing::Folder
        || own_folder
            && (is_installed(seen, &source.attach)
                || *seen.at(self::folder(folder)) == Thing::Folder)
}

fn put_in(seen: &Seen, source: &Source, part: &Part) -> Vec<Step> {
    match *part {
        Part::Link { at, own_folder } | Part::File { at, own_folder, .. }
            if !has_room(seen, source, at, own_folder) =>
        {
            let name = &source.name;
            let what = if is_installed(seen, &source.attach) {
                format!("this {name} has no {}", folder(at))
            } else {
                let folder = folder(at);
                format!("there is no {folder}: {name} is not installed; run this again when it is")
            };
            vec![Step::Say(what)]
        }
        Part::Link { at, .. } => links::link(seen, at.into()),
        Part::File { at, text, .. } => vec![links::put(seen, at, text)],
        Part::Lines { at, text } => vec![lines_in(seen, source, at, text)],
        Part::Configured(_) => Vec::new(),
    }
}

fn take_out(seen: &Seen, source: &Source, part: &Part) -> Vec<Step> {
    let (at, own_folder, step) = match *part {
        Part::Link { at, own_folder } => match shared_with(seen, source, at) {
            Some(other) => {
                let text = format!("{at} stays, for {}", other.name);
                return vec![Step::Already(text)];
            }
            None => (at, own_folder, links::unlink(seen, at.into())),
        },
        Part::File { at, text, own_folder } => (at, own_folder, links::take(seen, at, text)),
        Part::Lines { at, .. } => return vec![lines_out(seen, at)],
        Part::Configured(_) => return Vec::new(),
    };
    let is_last =
        matches!(seen.names(folder(at)), [name] if at.ends_with(&*name.to_string_lossy()));
    let goes = matches!(step, Step::Do(_));
    let mut steps = vec![step];
    if own_folder && goes && is_last {
        steps.push(Step::Do(Change::RemoveFolder(folder(at).into())));
    }
    steps
}

/// Another source that is on and has its link at the same place.
fn shared_with(seen: &Seen, source: &Source, at: &str) -> Option<&'static Source> {
    ALL.iter().copied().find(|other| {
        let has_link = |part: &Part| matches!(part, Part::Link { at: there, .. } if *there == at);
        other.name != source.name
            && other.attach.parts.iter().any(has_link)
            && is_installed(seen, &other.attach)
            && is_on(seen, other)
    })
}

/// Lines between markers in a file that may be somebody else's, and need not be there.
fn lines_in(seen: &Seen, source: &Source, at: &'static str, text: &str) -> Step {
    if !is_installed(seen, &source.attach) {
        let name = &source.name;
        return Step::Say(format!("{name} is not installed; run this again when it is"));
    }
    let lines = for_this_machine(seen, text);
    if *seen.at(at) == Thing::Nothing {
        let content = markers::block(&lines).into_bytes();
        return Step::Do(Change::Write { at: at.into(), content });
    }
    match markers::opened(seen, Path::new(at)) {
        Err(refused) => refused,
        Ok((_, rest)) if calls(&rest, source) => Step::Already(format!("{at} calls netcue")),
        Ok((text, rest)) => {
            let new = markers::at_the_end(&rest, &lines);
            if new == text {
                Step::Already(format!("{at} has the lines"))
            } else {
                Step::Do(Change::Write { at: at.into(), content: new.into_bytes() })
            }
        }
    }
}

fn lines_out(seen: &Seen, at: &'static str) -> Step {
    if *seen.at(at) == Thing::Nothing {
        return Step::Already(format!("{at} is not there"));
    }
    match markers::opened(seen, Path::new(at)) {
        Err(refused) => refused,
        Ok((text, rest)) if text == rest => {
            Step::Already(format!("{at} has no lines between markers"))
        }
        Ok((_, rest)) if rest.is_empty() => Step::Do(Change::Remove(at.into())),
        Ok((_, rest)) => Step::Do(Change::Write { at: at.into(), content: rest.into_bytes() }),
    }
}

/// The numbers of the lines that call netcue for this source.
fn calling_lines(text: &str, source: &Source) -> Vec<usize> {
    let call = format!("netcue from {}", source.name);
    let calls = |line: &str| {
        let line = line.trim_start();
        let rest = line.split_once(&call).map(|(_, rest)| rest);
        // A name may begin as another does.
        !line.starts_with('#') && rest.is_some_and(|rest| !rest.starts_with(['-', '_', '.']))
    };
    text.lines().zip(1..).filter(|(line, _)| calls(line)).map(|(_, number)| number).collect()
}

fn calls(text: &str, source: &Source) -> bool {
    !calling_lines(text, source).is_empty()
}

/// The files that may be this source's configuration, and are there.
fn files(seen: &Seen, configured: &Configured) -> Vec<(PathBuf, String)> {
    let in_folders = configured.folders.iter().flat_map(|&(folder, ending)| {
        let names = seen.names(folder).iter();
        let fit =
            names.filter(move |name| name.to_str().is_some_and(|name| name.ends_with(ending)));
        fit.map(move |name| Path::new(folder).join(name))
    });
    let paths = configured.files.iter().map(PathBuf::from).chain(in_folders);
    paths.filter_map(|path| seen.text(&path).map(|text| (path, text))).collect()
}

fn of_configuration(seen: &Seen, wish: &Wish<'_>, configured: &Configured) -> Vec<Step> {
    match (wish.on, wish.edit) {
        (true, Some(file)) => edit_in(seen, wish.source, configured, file),
        (false, Some(file)) => edit_out(seen, wish.source, file),
        (true, None) => advise(seen, wish.source, configured),
        (false, None) => remind(seen, wish.source, configured),
    }
}

fn edit_in(seen: &Seen, source: &Source, configured: &Configured, file: &Path) -> Vec<Step> {
    let name = file.display();
    let (text, rest) = match markers::opened(seen, file) {
        Ok(opened) => opened,
        Err(refused) => return vec![refused],
    };
    if calls(&rest, source) {
        return vec![Step::Already(format!("{name} calls netcue, and not between markers"))];
    }
    let edits = (configured.edit)(&rest);
    if edits.is_empty() {
        let lines = for_this_machine(seen, configured.lines);
        let text = format!("{name} has no place for these lines: put them in by hand:\n{lines}");
        return vec![Step::Refused(text.trim_end().to_owned())];
    }
    let mut steps = Vec::new();
    let mut whole: Vec<String> = rest.split_inclusive('\n').map(ToOwned::to_owned).collect();
    for edit in edits.into_iter().rev() {
        match edit {
            Edit::Insert { after, lines } => {
                let lines = for_this_machine(seen, &lines);
                let at = after.map_or(0, |index| index + 1);
                if at >= whole.len() {
                    whole = vec![markers::at_the_end(&whole.concat(), &lines)];
                } else {
                    whole.insert(at, markers::block(&lines));
                }
            }
            Edit::Taken(line, what) => {
                steps.push(Step::Refused(format!("{name}:{}: {what}", line + 1)));
            }
        }
    }
    let new = whole.concat();
    steps.push(if new == text {
        Step::Already(format!("{name} has the lines"))
    } else {
        Step::Do(Change::Write { at: file.to_owned(), content: new.into_bytes() })
    });
    steps
}

fn edit_out(seen: &Seen, source: &Source, file: &Path) -> Vec<Step> {
    let name = file.display();
    let (text, rest) = match markers::opened(seen, file) {
        Ok(opened) => opened,
        Err(refused) => return vec![refused],
    };
    let mut steps = Vec::new();
    for line in calling_lines(&rest, source) {
        steps.push(Step::Refused(format!("{name}:{line}: not between markers: remove it by hand")));
    }
    steps.push(if text == rest {
        Step::Already(format!("{name} has no lines between markers"))
    } else {
        Step::Do(Change::Write { at: file.to_owned(), content: rest.into_bytes() })
    });
    steps
}

fn advise(seen: &Seen, source: &Source, configured: &Configured) -> Vec<Step> {
    let name = &source.name;
    let files = files(seen, configured);
    let mut steps: Vec<Step> = Vec::new();
    let (calling, silent): (Vec<_>, Vec<_>) =
        files.iter().partition(|(_, text)| calls(text, source));
    for (path, text) in calling {
        steps.push(Step::Already(format!("{} calls netcue", path.display())));
        let wrong = (configured.judge)(text).into_iter();
        steps.extend(wrong.map(|wrong| Step::Say(format!("{}: {wrong}", path.display()))));
    }
    let silent: Vec<String> = silent.iter().map(|(path, _)| path.display().to_string()).collect();
    if !silent.is_empty() || files.is_empty() {
        let first = silent.first().map_or("FILE", String::as_str);
        let where_to =
            if silent.is_empty() { "its configuration".to_owned() } else { silent.join(" and ") };
        let text = format!(
            "put these lines into {where_to}, or let \"netcue enable {name} --edit {first}\" do \
             it:\n{}",
            for_this_machine(seen, configured.lines)
        );
        steps.push(Step::Say(text.trim_end().to_owned()));
    }
    steps
}

fn remind(seen: &Seen, source: &Source, configured: &Configured) -> Vec<Step> {
    let name = &source.name;
    let calling = files(seen, configured).into_iter().filter(|(_, text)| calls(text, source));
    let steps: Vec<Step> = calling
        .map(|(path, _)| {
            let path = path.display();
            Step::Say(format!(
                "{path} still calls netcue: its calls are recorded and nothing runs; \"netcue \
                 disable {name} --edit {path}\" takes the lines out"
            ))
        })
        .collect();
    if steps.is_empty() {
        return vec![Step::Already("no line of its configuration calls netcue".to_owned())];
    }
    steps
}

pub(super) fn spots(seen: &Seen, source: &Source) -> Vec<Spot> {
    let mut spots = Vec::new();
    for part in source.attach.parts {
        match *part {
            Part::Link { at, .. } => spots.extend(links_in(seen, at)),
            Part::File { at, text, .. } if links::is_our_file(seen, Path::new(at), text) => {
                spots.push(Spot::file(at));
            }
            Part::File { at, .. } | Part::Lines { at, .. } => {
                let text = seen.text(at).unwrap_or_default();
                let lines = calling_lines(&text, source);
                if !lines.is_empty() {
                    spots.push(Spot::lines(at, lines));
                }
            }
            Part::Configured(configured) => {
                for (path, text) in files(seen, configured) {
                    let lines = calling_lines(&text, source);
                    if !lines.is_empty() {
                        spots.push(Spot::lines(path, lines));
                    }
                }
            }
        }
    }
    spots
}

/// Links to the program in the folder of this one, under whatever name.
fn links_in(seen: &Seen, at: &str) -> Vec<Spot> {
    let folder = folder(at);
    let names = seen.names(folder).iter();
    names.filter_map(|name| links::linked(seen, &Path::new(folder).join(name))).collect()
}

pub(super) fn missing(seen: &Seen, source: &Source) -> Vec<String> {
    let mut missing = Vec::new();
    for part in source.attach.parts {
        match *part {
            Part::Link { at, own_folder } => {
                if links_in(seen, at).is_empty() && has_room(seen, source, at, own_folder) {
                    missing.push(format!("no link in {}", folder(at)));
                }
            }
            Part::File { at, text, own_folder } => {
                let calls = || calls(&seen.text(at).unwrap_or_default(), source);
                let is_there = links::is_our_file(seen, Path::new(at), text) || calls();
                if !is_there && has_room(seen, source, at, own_folder) {
                    missing.push(format!("no {at}"));
                }
            }
            Part::Lines { at, .. } => {
                if !calls(&seen.text(at).unwrap_or_default(), source) {
                    missing.push(format!("no line in {at} calls {}", program(seen)));
                }
            }
            Part::Configured(configured) => {
                let files = files(seen, configured);
                for (path, text) in &files {
                    let path = path.display();
                    if calls(text, source) {
                        let wrong = (configured.judge)(text).into_iter();
                        missing.extend(wrong.map(|wrong| format!("{path}: {wrong}")));
                    } else {
                        missing.push(format!("no line in {path} calls netcue"));
                    }
                }
            }
        }
    }
    missing
}
