//! Finds every example that a document shows, and has each of them run: one that nobody
//! runs is a failure.

use std::fs;
use std::path::Path;

use crate::mdoc::page;
use crate::reader::Reader;

/// A line that begins with one of these and goes on is something to be typed.
const PROGRAMS: [&str; 6] = ["addroute", "ipmasq", "make", "netcue", "nft", "ufw"];

/// Who runs an example.
pub(crate) enum By {
    /// This, with the whole example.
    Reader(fn(&Reader, &str)),
    /// Somebody else: in this file of the repository, this text.
    Elsewhere(&'static str, &'static str),
}

/// An example's first line, without a remark behind it, and who runs it.
pub(crate) type Row = (&'static str, By);

/// Goes through a document's examples in their order, each of which has to have its row.
pub(crate) fn go_through(reader: &Reader, examples: &[String], rows: &[Row]) {
    let mut rows = rows.iter();
    for example in examples {
        let row = rows.next();
        let is_its = |(start, _): &&Row| *start == without_remark(example);
        let Some((start, by)) = row.filter(is_its) else {
            panic!("nobody runs {example:?}; the next row is {:?}", row.map(|(start, _)| start))
        };
        println!("{start}");
        match by {
            By::Reader(runs) => runs(reader, example),
            By::Elsewhere(file, text) => {
                assert!(in_repository(file).contains(text), "{file} lacks {text:?}");
            }
        }
    }
    assert!(rows.next().is_none(), "rows for examples that are not shown any more");
}

/// The first line, up to what the shell takes for a remark.
pub(crate) fn without_remark(example: &str) -> &str {
    let line = example.lines().next().unwrap_or_default();
    line.split_once(" #").map_or(line, |(before, _)| before).trim_end()
}

/// A file of the repository.
pub(crate) fn in_repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The examples of the README: its blocks, and the commands within its sentences.
pub(crate) fn of_the_readme(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sentence = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let block: Vec<&str> = if line.starts_with("```") {
            lines.by_ref().take_while(|line| *line != "```").collect()
        } else if line.starts_with("    ") {
            let rest = lines.by_ref().map_while(|line| line.strip_prefix("    "));
            line.strip_prefix("    ").into_iter().chain(rest).collect()
        } else {
            Vec::new()
        };
        if !block.is_empty() || line.is_empty() {
            add_spans(&mut found, &std::mem::take(&mut sentence));
            add_block(&mut found, &block);
        } else {
            sentence = sentence + line.trim_start() + " ";
        }
    }
    add_spans(&mut found, &sentence);
    found
}

/// What stands between backticks and is something to be typed.
fn add_spans(found: &mut Vec<String>, sentence: &str) {
    let spans = sentence.split('`').skip(1).step_by(2);
    found.extend(spans.filter(|span| is_typed(span)).map(ToOwned::to_owned));
}

/// A block as a whole; or line by line where each is something to be typed.
fn add_block(found: &mut Vec<String>, lines: &[&str]) {
    if lines.iter().all(|line| is_typed(line)) {
        found.extend(lines.iter().map(|line| (*line).to_owned()));
    } else {
        found.push(lines.join("\n") + "\n");
    }
}

fn is_typed(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(program, _)| PROGRAMS.contains(&program))
}

/// The examples of a page: its displays, and the commands within its sentences.
pub(crate) fn of_the_page(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = page(name).replace("\\e", "\\");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, words) = line.split_once(' ').unwrap_or((line, ""));
        match name {
            ".Bd" => {
                let block: Vec<&str> = lines.by_ref().take_while(|line| *line != ".Ed").collect();
                add_block(&mut found, &block);
            }
            ".Ql" | ".Sq" | ".D1" | ".Dl" => {
                found.extend(Some(as_read(words)).filter(|words| is_typed(words)));
            }
            _ => {}
        }
    }
    found
}

/// The words of a macro's line as the page shows them.
fn as_read(words: &str) -> String {
    let mut read = Vec::new();
    let mut words = words.split(' ').filter(|word| !matches!(*word, "." | "," | ";" | "Cm"));
    while let Some(word) = words.next() {
        match word {
            "Nm" => read.push("netcue".to_owned()),
            "netcue" if read.last().is_some_and(|last| last == "netcue") => {}
            "Qq" => read.push(format!("\"{}\"", words.by_ref().collect::<Vec<_>>().join(" "))),
            word => read.push(word.to_owned()),
        }
    }
    read.join(" ")
}

#[test]
fn examples_are_found_wherever_they_stand() {
    let text = "Let `netcue\nrun` and `x` be.\n\n    make one  # now\n    make two\n\n\
                ```sh\nset -e\n    netcue three\n```\n\n```sh\nnetcue four\n```\nOr `nft five`.";
    let set = "set -e\n    netcue three\n";
    let expected = ["netcue run", "make one  # now", "make two", set, "netcue four", "nft five"];
    assert_eq!(of_the_readme(text), expected);
    assert_eq!(as_read("Nm Cm from manual run"), "netcue from manual run");
    assert_eq!(as_read("netcue from ppp ip-up Qq $@ ."), "netcue from ppp ip-up \"$@\"");
}

#[test]
#[should_panic(expected = "nobody runs \"netcue new\\n\"; the next row is Some(\"netcue known\")")]
fn an_example_that_nobody_runs_is_a_failure() {
    let reader = Reader { scene: crate::scene::Scene::new() };
    go_through(&reader, &["netcue new\n".to_owned()], &[("netcue known", By::Reader(|_, _| {}))]);
}
