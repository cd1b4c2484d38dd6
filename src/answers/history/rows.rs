//! Events a line each, in as many columns as the terminal has room for.

use crate::answers::shared::table::{Cell, Paint, Table, Tone};
use crate::answers::shared::{when, wording};
use crate::journal::{StepOutcome, Story};
use crate::plan;

/// What becomes of a reason that has no room in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reasons {
    /// It stands below, with whatever else had no room.
    Below,
    /// It is cut: a line is a line, and the reason is said elsewhere.
    Cut,
}

/// What a line holds besides the call, its outcome, and how long it took.
struct Columns {
    /// The date and the seconds of every time.
    whole_time: bool,
    /// The beginnings of the ids.
    ids: bool,
    /// Whether the rules changed, and how many hooks ran.
    steps: bool,
    gap: usize,
}

/// From the widest on; what people look for first goes last.
const LAYOUTS: [Columns; 6] = [
    Columns { whole_time: true, ids: true, steps: true, gap: 2 },
    Columns { whole_time: false, ids: true, steps: true, gap: 2 },
    Columns { whole_time: false, ids: true, steps: true, gap: 1 },
    Columns { whole_time: false, ids: false, steps: true, gap: 2 },
    Columns { whole_time: false, ids: false, steps: true, gap: 1 },
    Columns { whole_time: false, ids: false, steps: false, gap: 1 },
];

/// Columns of a reason that are worth showing.
const WORTH: usize = 8;

/// The stories, oldest first, in the widest layout there is room for.
pub(crate) fn as_table(stories: &[Story], reasons: Reasons, paint: Paint) -> String {
    let ids = wording::short_ids(stories);
    let width = |columns: &Columns| {
        let mut table = Table::with_gap(columns.gap);
        table.row_of(heading(columns), None);
        for (story, id) in stories.iter().zip(&ids) {
            table.row_of(line(story, id, columns), None);
        }
        table.row_of(reboot(columns), None);
        table.width(paint)
    };
    let fits = |columns: &&Columns| paint.width().is_none_or(|room| width(columns) <= room);
    let [.., narrowest] = &LAYOUTS;
    let columns = LAYOUTS.iter().find(fits).unwrap_or(narrowest);
    let left = paint.width().map(|all| all.saturating_sub(width(columns) + columns.gap));
    let has_room = |reason: &str| match (left, reasons) {
        (None, _) => true,
        (Some(left), Reasons::Cut) => left >= WORTH,
        (Some(left), Reasons::Below) => columns.ids && paint.columns(reason) <= left,
    };
    let mut table = Table::with_gap(columns.gap);
    let mut first = heading(columns);
    if stories.iter().filter_map(wording::bare_reason).any(|why| has_room(&why))
        || paint.width().is_none()
    {
        first.push((Tone::Strong, "REASON".to_owned()));
    }
    table.row_of(first, None);
    let mut boot = None;
    for (story, id) in stories.iter().zip(&ids) {
        // Refused calls have no event that would tell.
        let its_boot = story.event.as_ref().and_then(|event| event.boot_id);
        if its_boot.is_some() && boot.is_some() && its_boot != boot {
            table.row_of(reboot(columns), None);
        }
        boot = its_boot.or(boot);
        let mut cells = line(story, id, columns);
        let why = wording::bare_reason(story).filter(|why| has_room(why));
        let goes_on = why.is_none() && reasons == Reasons::Below;
        if let Some(why) = why {
            cells.push((wording::outcome(story).1, why));
        }
        table.row_of(cells, if goes_on { below(story, id, columns) } else { None });
    }
    table.cut_lines(paint)
}

fn heading(columns: &Columns) -> Vec<Cell> {
    let names = ["TIME", "EVENT", "CALL", "OUTCOME", "TOOK", "RULES", "HOOKS"];
    chosen(columns, names.map(|name| (Tone::Strong, name.to_owned())))
}

fn line(story: &Story, id: &str, columns: &Columns) -> Vec<Cell> {
    let (word, tone) = wording::outcome(story);
    let (rules_tone, rules) = rules(story);
    let time = if columns.whole_time { when::brief } else { when::short };
    let dash = || "-".to_owned();
    let cells = [
        (Tone::Faint, wording::began(story).map_or_else(dash, time)),
        (Tone::Faint, id.to_owned()),
        (Tone::Strong, wording::called(story)),
        (tone, word.to_owned()),
        (Tone::Plain, story.ms.map_or_else(dash, when::lasting)),
        (rules_tone, rules.to_owned()),
        (Tone::Plain, hooks(story)),
    ];
    chosen(columns, cells)
}

/// Between the last event before the machine was started and the first one after.
fn reboot(columns: &Columns) -> Vec<Cell> {
    let cells = ["", "", "-- reboot --", "", "", "", ""];
    chosen(columns, cells.map(|word| (Tone::Faint, word.to_owned())))
}

/// Those of the seven cells of a line that there is room for.
fn chosen(columns: &Columns, cells: [Cell; 7]) -> Vec<Cell> {
    let [time, id, call, outcome, took, rules, hooks] = cells;
    let mut chosen = vec![time];
    chosen.extend(columns.ids.then_some(id));
    chosen.extend([call, outcome, took]);
    if columns.steps {
        chosen.extend([rules, hooks]);
    }
    chosen
}

/// What had no room in the line, if it is worth another.
fn below(story: &Story, id: &str, columns: &Columns) -> Option<Cell> {
    let (_, tone) = wording::outcome(story);
    let why = wording::bare_reason(story);
    let has_steps = !columns.steps && !story.steps.is_empty();
    if why.is_none() && !has_steps {
        return None;
    }
    let mut parts = Vec::new();
    if !columns.ids && story.id.is_some() {
        parts.push(id.to_owned());
    }
    if has_steps {
        let (_, rules) = rules(story);
        parts.extend((rules != "-").then(|| format!("rules {rules}")));
        parts.push(format!("hooks {}", hooks(story)));
    }
    let parts = parts.join(", ");
    Some(match why {
        None => (Tone::Faint, parts),
        Some(why) if parts.is_empty() => (tone, why),
        Some(why) => (tone, format!("{parts}: {why}")),
    })
}

fn rules(story: &Story) -> (Tone, &'static str) {
    let step = wording::engine_step(story);
    let is_hook = step.is_some_and(|step| step.planned.path.is_some());
    let end = step.and_then(|step| step.end.as_ref());
    match end.map(|end| end.outcome) {
        None => (Tone::Faint, "-"),
        Some(StepOutcome::Changed) => (Tone::Plain, "changed"),
        Some(outcome) if outcome.is_failure() => (Tone::Bad, "FAILED"),
        // What a hook in the engine's place changed, nobody knows.
        Some(_) if is_hook => (Tone::Faint, "hook"),
        Some(_) => (Tone::Faint, "same"),
    }
}

/// How many hooks ran, of how many there are.
fn hooks(story: &Story) -> String {
    let hooks = || story.steps.iter().filter(|step| !plan::makes_rules(&step.planned.step));
    if story.steps.is_empty() {
        return "-".to_owned();
    }
    format!("{}/{}", hooks().filter(|step| wording::ran(step)).count(), hooks().count())
}
