//! (e) The engine alone, as a library, on a machine with many interfaces and routes.

use std::fmt::Write as _;
use std::fs::File;
use std::process::{Command, Stdio};

use netcue::config::Rules;
use netcue::engine::{self, Applied};

use super::Outcome;
use super::cost::own_cpu_ms;
use super::ground::{self, Ground};
use super::report;

const INTERFACES: usize = 1000;
const ROUTES: usize = 10_000;
const ROUNDS: usize = 10;

pub(crate) fn alone(ground: &Ground) -> Outcome {
    report::head(&format!(
        "(e) the engine alone, {INTERFACES} interfaces, {ROUTES} routes, ms of CPU time"
    ))?;
    let memory = tempfile::NamedTempFile::new()?;
    make_links_and_routes(memory.path())?;
    let rules = Rules::default();
    let mut session = engine::open()?;
    let mut regenerate = |changed: bool| -> Outcome<f64> {
        let mut result = None;
        let ms = own_cpu_ms(|| {
            result = Some(engine::regenerate(&rules, memory.path(), &mut session)?.result);
            Ok(())
        })?;
        if matches!(result, Some(Applied::Changed { .. })) == changed {
            Ok(ms)
        } else {
            Err("the engine took a change for none, or none for a change".into())
        }
    };
    regenerate(true)?;
    let (mut changed, mut unchanged, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ground.change_inside()?;
        changed.push(regenerate(true)?);
        unchanged.push(regenerate(false)?);
        peer.push(own_cpu_ms(read_by_ip)?);
    }
    report::race("changed / ip -j, 4 calls", &changed, &peer, None)?;
    report::race("unchanged / the same", &unchanged, &peer, None)
}

fn make_links_and_routes(scratch: &std::path::Path) -> Outcome {
    let mut batch = String::new();
    for number in 0..INTERFACES {
        let (high, low) = (number / 256, number % 256);
        writeln!(batch, "link add many{number} link lan0 type macvlan mode bridge")?;
        writeln!(batch, "address add 10.{high}.{low}.1/24 dev many{number}")?;
        writeln!(batch, "link set many{number} up")?;
    }
    for number in 0..ROUTES {
        let (high, low, device) = (number / 256, number % 256, number % INTERFACES);
        writeln!(batch, "route add 172.{}.{low}.0/24 dev many{device}", 16 + high)?;
    }
    let path = scratch.with_extension("batch");
    std::fs::write(&path, batch)?;
    let made = ground::command("ip", &["-batch", &path.to_string_lossy()]);
    std::fs::remove_file(&path)?;
    made
}

/// What a script would have to ask for the same facts.
fn read_by_ip() -> Outcome {
    for words in [
        &["-j", "link"][..],
        &["-j", "address"],
        &["-j", "route", "show", "table", "all"],
        &["-j", "rule"],
    ] {
        let out = Stdio::from(File::create("/dev/null")?);
        let status = Command::new("ip").args(words).stdout(out).status()?;
        if !status.success() {
            return Err(format!("ip {}: {status}", words.join(" ")).into());
        }
    }
    Ok(())
}
