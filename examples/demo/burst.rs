//! Forty callers at once, as when all links of a concentrator come back: the journal must
//! account for every one, and no two runs may overlap.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Instant;

use netcue::journal::{Entry, Record};
use uuid::Uuid;

use crate::calls::{self, Line};
use crate::day::went_well;
use crate::netcue_program::Netcue;
use crate::outcome::{During, Result};
use crate::page::{Page, Tone};

/// How many call.
const CALLERS: u8 = 40;

/// Has everybody call, and checks what the journal says.
pub(crate) fn play(page: &mut Page, netcue: &Netcue) -> Result<()> {
    let lines: Vec<Line> = (0..CALLERS).map(line).collect();
    let began = Instant::now();
    let callers: Result<Vec<_>> =
        lines.iter().map(|line| netcue.start(&calls::ppp("ip-up", line))).collect();
    let mut content = 0;
    for mut caller in callers? {
        content += usize::from(caller.wait().during("waiting for netcue")?.success());
    }
    let took = began.elapsed().as_millis();

    let names: BTreeSet<String> = lines.iter().map(|line| line.interface.to_string()).collect();
    let mut finished: Vec<String> = netcue
        .stories(lines.len())?
        .iter()
        .filter(|story| went_well(story))
        .filter_map(|story| story.event.as_ref()?.facts.interface.as_ref().map(ToString::to_string))
        .collect();
    finished.sort();
    let complete = finished.iter().eq(&names);
    let left = std::fs::read_dir(netcue.layout.queue()).during("looking into the queue")?.count();
    let overlaps = overlaps(netcue)?;

    page.row(
        "calls",
        Tone::Strong,
        "netcue from ppp ip-up ppp10 …  to  netcue from ppp ip-up ppp49 …",
    )?;
    let text = format!("{content} callers told \"all is well\" within {took} ms");
    page.row("", Tone::Plain, &text)?;
    let text = format!(
        "{} events done, {left} left in the queue, {overlaps} runs that overlap another",
        finished.len()
    );
    page.row("journal", Tone::Plain, &text)?;
    page.row(
        "rules",
        Tone::Plain,
        "unchanged: no such links exist, and rules follow the kernel, not the call",
    )?;
    page.prove(
        content == names.len() && complete && left == 0,
        "each of forty events that came at once has exactly one outcome in the journal",
    );
    page.prove(overlaps == 0, "they were handled one at a time");
    Ok(())
}

fn line(number: u8) -> Line {
    let unit = 10 + u32::from(number);
    Line {
        unit,
        interface: Cow::Owned(format!("ppp{unit}")),
        device: "/dev/ttyUSB0",
        local: Ipv4Addr::new(203, 0, 113, 100 + number),
        remote: Ipv4Addr::new(203, 0, 113, 1),
    }
}

/// Records of a run that stand between the first and the last of another's.
fn overlaps(netcue: &Netcue) -> Result<usize> {
    let (mut overlaps, mut running) = (0, None::<Uuid>);
    netcue
        .journal()
        .read_back(|entry: Entry| {
            // Backwards: a run is entered by its outcome and left by its beginning.
            let fits = match entry.record {
                Record::Outcome { .. } => {
                    let free = running.is_none();
                    running = entry.event_id;
                    free
                }
                Record::RunBegin { .. } => running.take() == entry.event_id,
                Record::StepBegin { .. } | Record::StepEnd { .. } => running == entry.event_id,
                _ => true,
            };
            overlaps += usize::from(!fits);
            true
        })
        .during("reading the journal")?;
    Ok(overlaps)
}
