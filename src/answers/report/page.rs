//! The page: HTML that is read without a script, in light and dark, also on a phone. Everything
//! that somebody else may have chosen is escaped in one place.

use jiff::Timestamp;

use super::{Burst, Report, of_family};
use crate::answers::checks::State;
use crate::answers::shared::pace::Pace;
use crate::answers::shared::{markup, when, wording};
use crate::engine::{self, Side};
use crate::journal::{StepOutcome, Story};
use crate::plan::{self, Fitness};
use crate::sys::{clock, identity, terminal};

const STYLE: &str = "\
:root{color-scheme:light dark;--fg:#1f2328;--muted:#59636e;--bg:#fff;--card:#f6f8fa;--line:#d1d9e0;\
--bad:#c01c28;--good:#1a7f37;--link:#2f6fdb}\
@media (prefers-color-scheme:dark){:root{--fg:#e6edf3;--muted:#9aa4ae;--bg:#0d1117;--card:#151b23;\
--line:#30363d;--bad:#ff7b72;--good:#3fb950;--link:#58a6ff}}\
body{margin:0 auto;max-width:1200px;padding:1rem;background:var(--bg);color:var(--fg);\
font:15px/1.45 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}\
nav a{margin-right:.8rem;color:var(--link)}.muted{color:var(--muted)}.bad{color:var(--bad)}\
.good{color:var(--good)}code,pre{font:13px/1.4 ui-monospace,'DejaVu Sans Mono',monospace}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0;padding:.5rem;background:var(--card)}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;\
border-top:1px solid var(--line);overflow-wrap:break-word}td code{overflow-wrap:anywhere}th{color:var(--muted);font-weight:600;border:0}\
.cards{list-style:none;padding:0}.cards li{background:var(--card);border-left:4px solid var(--bad);\
padding:.5rem .8rem;margin:.4rem 0}.wide{overflow-x:auto}.num{font-variant-numeric:tabular-nums;white-space:nowrap}\
.plot{overflow-x:auto;border:1px solid var(--line);margin:.5rem 0}.plot svg{min-width:760px;width:100%;\
height:auto;display:block}form{display:none;flex-wrap:wrap;gap:.5rem;margin:.5rem 0}\
.js form{display:flex}input,select{font:inherit;padding:.3rem;max-width:100%}\
@media (max-width:640px){table.events,table.events tbody{display:block}\
table.events thead{display:none}table.events tr{display:block;\
border-top:1px solid var(--line);padding:.4rem 0}table.events td{display:inline;border:0;padding:0 .4rem 0 0}\
table.events td.why{display:block}}";

/// Search and filters; without it all rows are there.
const SCRIPT: &str = "\
document.documentElement.classList.add('js');\
(function(){var f=document.getElementById('filter'),rows=[].slice.call(document.querySelectorAll('tr[data-source]'));\
function all(k){var s={};rows.forEach(function(r){r.getAttribute('data-'+k).split(' ').forEach(function(v){if(v)s[v]=1})});return Object.keys(s).sort()}\
['source','interface','hook','outcome'].forEach(function(k){var e=f.elements[k];all(k).forEach(function(v){e.add(new Option(v,v))})});\
function go(){var t=f.elements.text.value.toLowerCase(),n=0;rows.forEach(function(r){\
var ok=['source','interface','hook','outcome'].every(function(k){var v=f.elements[k].value;return !v||r.getAttribute('data-'+k).split(' ').indexOf(v)>=0})\
&&(!t||r.textContent.toLowerCase().indexOf(t)>=0);r.hidden=!ok;if(ok)n++});\
document.getElementById('count').textContent=n+' of '+rows.length+' events'}\
f.addEventListener('input',go);f.addEventListener('submit',function(e){e.preventDefault()});go()})();";

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let (host, now) = (text(&identity::host()), when::full(clock::now()));
    let parts = [
        ("checks", "Checks", checks(report)),
        ("state", "How things stand", state(report)),
        ("bursts", "Last bursts", bursts(report)),
        ("events", "Events", events(report)),
        ("rules", "Rules", rules(report)),
        ("hooks", "Hooks", hooks(report)),
        ("sources", "Sources", sources(report)),
    ];
    let links: String =
        all(parts.iter().map(|(id, name, _)| format!("<a href=\"#{id}\">{name}</a>")));
    let body = all(parts.iter().map(|(id, name, part)| {
        format!("<section id=\"{id}\"><h2>{name}</h2>\n{part}</section>\n")
    }));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>netcue on {host}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>netcue on {host}</h1>\n<p class=\"muted\">{}</p>\n<nav>{links}</nav>\n{body}\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        text(&now)
    )
}

/// Text as HTML takes it, in elements and attributes, with nothing in it that could turn its
/// direction.
fn text(said: &str) -> String {
    markup::escaped(&terminal::harmless(said))
}

/// Several lines.
fn lines(said: &str) -> String {
    said.lines().map(text).collect::<Vec<_>>().join("\n")
}

fn all(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().concat()
}

fn row(cells: &[String]) -> String {
    let cells = all(cells.iter().map(|cell| format!("<td>{cell}</td>")));
    format!("<tr>{cells}</tr>\n")
}

fn table(heads: &[&str], rows: &str) -> String {
    let heads = all(heads.iter().map(|head| format!("<th>{head}</th>")));
    format!(
        "<div class=\"wide\"><table><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn checks(report: &Report) -> String {
    let attention = report.looked.attention();
    let card = |finding: &&crate::answers::checks::Finding| {
        let command = finding.command.as_ref();
        let command = command.map(|command| format!("<br><code>{}</code>", text(command)));
        let to_do = finding.to_do.as_deref().map(text).unwrap_or_default();
        format!(
            "<li><strong>{}</strong> {}<br><span class=\"muted\">{to_do}</span>{}</li>\n",
            text(finding.check),
            text(&finding.in_words()),
            command.unwrap_or_default()
        )
    };
    let cards: String = attention.iter().map(card).collect();
    let head = if attention.is_empty() {
        "<p class=\"good\">Nothing needs attention.</p>\n".to_owned()
    } else {
        format!("<ul class=\"cards\">\n{cards}</ul>\n")
    };
    let whole: String = report
        .looked
        .findings
        .iter()
        .map(|finding| {
            let (word, class) = match finding.state {
                State::Ok => ("ok", "good"),
                State::Attention => ("attention", "bad"),
                State::Unknown => ("unknown", "muted"),
            };
            row(&[
                format!("<span class=\"{class}\">{word}</span>"),
                text(finding.check),
                text(&finding.in_words()),
            ])
        })
        .collect();
    let whole = table(&["State", "Check", "Found"], &whole);
    format!("{head}<details><summary>All checks</summary>{whole}</details>\n")
}

fn state(report: &Report) -> String {
    let mut rows = String::new();
    match &report.looked.rules {
        Ok(preview) => {
            let word = if preview.differences.is_empty() { "in force" } else { "not in force" };
            rows += &row(&["rules".to_owned(), word.to_owned()]);
            let sides = [Side::Outside, Side::Inside, Side::Guest, Side::Undecided, Side::Ignored];
            for side in sides {
                for (name, family, standing) in preview.classes.all_on(side) {
                    let of = of_family(family);
                    let what = format!("{name}{of}: {}", standing.why);
                    rows += &row(&[side.as_str().to_owned(), text(&what)]);
                }
            }
        }
        Err(error) => rows += &row(&["rules".to_owned(), text(&error.to_string())]),
    }
    let waiting = report.looked.work.events();
    let calls: Vec<String> = waiting.iter().map(|event| wording::called_event(event)).collect();
    let queue = if calls.is_empty() { "empty".to_owned() } else { calls.join(", ") };
    rows += &row(&["queue".to_owned(), text(&queue)]);
    if let Some((event, pace)) = &report.looked.work.running {
        let step = pace.as_ref().map(Pace::in_words).unwrap_or_default();
        let what = format!("{}: {step}", wording::called_event(event));
        rows += &row(&["running".to_owned(), text(&what)]);
    }
    table(&["", ""], &rows)
}

fn bursts(report: &Report) -> String {
    if report.bursts.is_empty() {
        return "<p class=\"muted\">No event was run yet.</p>\n".to_owned();
    }
    let burst = |(index, burst): (usize, &Burst)| {
        let open = if index == 0 { " open" } else { "" };
        let about = format!("{}, {}", when::brief(burst.time), counted(burst.events));
        format!(
            "<details{open}><summary>{about}</summary><div class=\"plot\">{}</div></details>\n",
            burst.picture
        )
    };
    all(report.bursts.iter().enumerate().map(burst))
}

fn events(report: &Report) -> String {
    if report.stories.is_empty() {
        return "<p class=\"muted\">The journal holds no event.</p>\n".to_owned();
    }
    let ids = wording::short_ids(&report.stories);
    let room = (ROOM_FOR_OUTPUT / report.stories.len().max(1)).clamp(LEAST_OUTPUT, MOST_OUTPUT);
    let rows: String =
        report.stories.iter().zip(&ids).map(|(story, id)| event(story, id, room)).collect();
    let select = |name: &str| {
        format!(
            "<select name=\"{name}\" aria-label=\"{name}\"><option value=\"\">every {name}</option></select>"
        )
    };
    let selects: String = ["source", "interface", "hook", "outcome"].map(select).concat();
    let heads = ["Time", "Event", "Call", "Outcome", "Took", "Why"];
    let heads = all(heads.iter().map(|head| format!("<th>{head}</th>")));
    let cut = if report.is_cut { ", and there are older ones: see -n" } else { "" };
    format!(
        "<form id=\"filter\"><input name=\"text\" type=\"search\" placeholder=\"search\" \
         aria-label=\"search\">{selects}</form>\n<p class=\"muted\"><span id=\"count\">{} \
         events</span>{cut}</p>\n<table class=\"events\"><thead><tr>{heads}</tr></thead><tbody>\n\
         {rows}</tbody></table>\n",
        report.stories.len()
    )
}

/// Bytes of what failed steps printed that the whole page has room for, so that a browser can
/// show it, and how many of them one step has at least and at most.
const ROOM_FOR_OUTPUT: usize = 4 << 20;
const LEAST_OUTPUT: usize = 300;
const MOST_OUTPUT: usize = 16 << 10;

/// A row; each failed step has `room` bytes for what it printed.
fn event(story: &Story, id: &str, room: usize) -> String {
    let (source, _, interface) = wording::who(story);
    let (outcome, _) = wording::outcome(story);
    let went_wrong = wording::went_wrong(story);
    let class = if went_wrong { "bad" } else { "" };
    let ran = story.steps.iter().filter(|step| step.end.is_some());
    let hooks: Vec<&str> = ran.map(|step| step.planned.step.as_str()).collect();
    let time = |time: Option<Timestamp>| time.map(when::brief).unwrap_or_default();
    let took = story.ms.map(when::lasting).unwrap_or_default();
    let reason = wording::bare_reason(story).as_deref().map(text).unwrap_or_default();
    format!(
        "<tr data-source=\"{}\" data-interface=\"{}\" data-hook=\"{}\" data-outcome=\"{outcome}\">\
         <td class=\"num\">{}</td><td class=\"num muted\">{}</td><td>{}</td>\
         <td class=\"{class}\">{outcome}</td><td class=\"num\">{took}</td><td class=\"why\">{reason}\
         {}</td></tr>\n",
        text(&source),
        text(&interface),
        text(&hooks.join(" ")),
        time(wording::began(story)),
        text(id),
        text(&wording::called(story)),
        steps(story, id, room)
    )
}

/// What each step came to, with what those printed that failed.
fn steps(story: &Story, id: &str, room: usize) -> String {
    if story.steps.is_empty() {
        return String::new();
    }
    let step = |step: &crate::journal::StoryStep| {
        let name = text(&step.planned.step);
        let Some(end) = &step.end else {
            return format!("{name}: {}\n", text(&wording::how_it_was_left(step)));
        };
        let at = step.began.map(when::clock_only).unwrap_or_default();
        let how = text(&wording::how_it_ended(end));
        let how = match end.outcome {
            outcome if outcome.is_failure() => format!("<span class=\"bad\">{how}</span>"),
            StepOutcome::Changed => format!("<strong>{how}</strong>"),
            _ => how,
        };
        let said = if end.outcome.is_failure() { end.output.as_str() } else { "" };
        let (said, more) = beginning(said, room);
        let more =
            (more > 0).then(|| format!("  ({more} bytes more: \"netcue history {}\")\n", text(id)));
        let said = all(said.lines().map(|line| format!("  | {}\n", text(line))).chain(more));
        format!("{at} {name}: {how} ({})\n{said}", when::lasting(end.ms))
    };
    let shown: String = story.steps.iter().map(step).collect();
    let number = story.steps.len();
    let open = if wording::went_wrong(story) { " open" } else { "" };
    format!("<details{open}><summary>{number} steps</summary><pre>{shown}</pre></details>")
}

/// As much of a text as has room, and how many bytes are left out.
fn beginning(said: &str, room: usize) -> (&str, usize) {
    let end = (0..=room.min(said.len())).rev().find(|end| said.is_char_boundary(*end));
    let end = end.unwrap_or_default();
    (said.get(..end).unwrap_or_default(), said.len().saturating_sub(end))
}

fn counted(events: usize) -> String {
    if events == 1 { "1 event".to_owned() } else { format!("{events} events") }
}

fn rules(report: &Report) -> String {
    let Ok(preview) = &report.looked.rules else {
        return "<p class=\"bad\">They can't be read.</p>\n".to_owned();
    };
    let ruleset = engine::ruleset(&preview.classes, &report.config.rules);
    let rules = ruleset.chains.iter().flat_map(|chain| &chain.rules);
    let rows: String = rules
        .map(|rule| {
            let code = engine::rule_text(rule);
            let code = code.rsplit_once(" comment ").map_or(code.as_str(), |(code, _)| code);
            row(&[format!("<code>{}</code>", text(code)), text(rule.comment)])
        })
        .collect();
    let whole = format!(
        "<details><summary>As nft lists them</summary><pre>{}</pre></details>\n",
        lines(&preview.wanted)
    );
    table(&["Rule", "Because"], &rows) + &whole
}

fn hooks(report: &Report) -> String {
    let rows: String = report
        .hooks
        .iter()
        .map(|hook| {
            let (word, class) = match &hook.fitness {
                Fitness::Fit(_) => ("runs".to_owned(), ""),
                Fitness::Masked => ("is masked".to_owned(), "muted"),
                Fitness::Unfit(why) => (why.to_string(), "bad"),
            };
            let last = report.stories.iter().find_map(|story| {
                let step = wording::step(story, &hook.name)?;
                Some((step.began.or(story.last_time)?, wording::how_it_ended(step.end.as_ref()?)))
            });
            let last = last.map(|(time, how)| format!("{} {how}", when::brief(time)));
            let class = if plan::makes_rules(&hook.name) { "good" } else { class };
            row(&[
                text(&hook.name),
                format!("<span class=\"{class}\">{}</span>", text(&word)),
                text(&last.unwrap_or_else(|| "not lately".to_owned())),
                text(&hook.kind.place()),
            ])
        })
        .collect();
    table(&["Hook", "State", "Last", "File"], &rows)
}

fn sources(report: &Report) -> String {
    let heard = |name: &str| {
        let last = report.heard.as_ref().and_then(|heard| heard.last.get(name));
        last.map_or_else(|| "not lately".to_owned(), |time| when::brief(*time))
    };
    let rows: String = report
        .sources
        .iter()
        .map(|source| {
            let on = if source.on { "on" } else { "<span class=\"bad\">off</span>" };
            row(&[
                text(source.name),
                on.to_owned(),
                heard(source.name),
                text(&source.callers.join(" ")),
                text(source.summary),
            ])
        })
        .collect();
    table(&["Source", "State", "Last call", "Called by", "What it is"], &rows)
}
