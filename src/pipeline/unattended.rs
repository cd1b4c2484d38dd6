//! Hooks that hold nobody (`wait=no`): each is run by a detached process of its own, from a
//! job file that outlives that process until the hook's end is on record.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::House;
use super::hook::Turn;
use crate::event::Event;
use crate::journal::{Record, StepEnd, StepOutcome, has_final_end};
use crate::plan::Manner;
use crate::queue::Note;
use crate::sys::files::{self, FileError};
use crate::sys::folder;
use crate::sys::lock::{Lock, Probe};
use crate::sys::processes;
use crate::sys::signals::Signals;
use crate::sys::syslog::Urgency;

/// Largest job in bytes: an event and a few words.
const LARGEST_JOB: u64 = 512 * 1024;

/// How often the process that runs a hook may die before the hook is given up.
const MOST_ATTEMPTS: u32 = 3;

/// How often that process may be asked to end before the hook is given up.
const MOST_STOPS: u32 = Note::MOST_STOPS;

/// A hook to be run apart from its run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Job {
    /// For which event.
    event: Event,
    /// The step's name.
    step: String,
    /// The hook's path in its folder.
    path: PathBuf,
    /// How the rules stood.
    rules: String,
    /// The hook's own time limit in seconds.
    timeout: Option<u64>,
    /// The account it runs as.
    user: Option<String>,
}

/// Writes the job down and starts a process for it.
///
/// # Errors
/// When the job can't be written; nothing was started then.
pub(super) fn send(house: &House, turn: &Turn<'_>) -> Result<(), FileError> {
    let Turn { event, step, path, rules, manner } = *turn;
    let job = Job {
        event: event.clone(),
        step: step.to_owned(),
        path: path.to_owned(),
        rules: rules.to_owned(),
        timeout: manner.timeout.map(|timeout| timeout.as_secs()),
        user: manner.user.clone(),
    };
    let folder = house.layout.unattended();
    if is_sent(&folder, event.id, step) {
        // A run that died after that had sent it, and it is looked after since.
        return Ok(());
    }
    files::make_private_folder(&folder)?;
    let name = name_of(event.id, step);
    let path = folder.join(&name);
    let content = serde_json::to_vec(&job).unwrap_or_default();
    files::put_whole(&path, &content)?;
    start(house, &name);
    Ok(())
}

/// Whether a hook has been sent and its end is not on record yet.
pub(super) fn is_sent(folder: &Path, id: Uuid, step: &str) -> bool {
    files::is_there(&folder.join(name_of(id, step)))
}

fn name_of(id: Uuid, step: &str) -> String {
    format!("{id}-{step}.json")
}

/// If the process can't be started, the job waits for the next drain.
fn start(house: &House, name: &str) {
    if let Err(error) = house.start_detached(&["--unattended", name]) {
        house.say(Urgency::Error, &format!("can't start a process for {name}: {error}"));
    }
}

/// Starts anew what a dead process left undone, and removes what one left half done. The
/// holder of the queue's lock does this, so nobody writes a job meanwhile.
pub(super) fn look_after(house: &House) {
    let folder = house.layout.unattended();
    let files = folder::names(&folder).unwrap_or_default();
    for name in files.iter().filter_map(|name| name.to_str()) {
        let path = folder.join(name);
        let is_free = || Probe::open(&lock_of(&folder, name)).is_ok_and(|probe| probe.is_free());
        match path.extension().and_then(OsStr::to_str) {
            Some("json") if is_free() => start(house, name),
            Some("lock") if !files::is_there(&path.with_extension("json")) && is_free() => {
                files::remove_quietly(&path);
            }
            Some("new") => files::remove_quietly(&path),
            _ => {}
        }
    }
}

fn lock_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension("lock")
}

/// Runs the hook of one job to its end, and records that. Returns the signal that stopped
/// it, if one did.
pub fn attend(house: &mut House, name: &str) -> Option<i32> {
    let folder = house.layout.unattended();
    let name = Path::new(name).file_name()?.to_str()?;
    let (path, lock_path) = (folder.join(name), lock_of(&folder, name));
    let signals = Signals::watch().ok()?;
    // Whoever looks after the jobs may have started a second process for this one.
    let Ok(Some(lock)) = Lock::try_now(&lock_path) else { return None };
    let Some(job) = read(house, &path) else {
        files::remove_quietly(&lock_path);
        return None;
    };
    let (deaths, stops) = counted(&lock.note().unwrap_or_default());
    let attempt = deaths.saturating_add(1);
    if attempt > 1 {
        end_orphans(&job.event, house.config.hooks.grace(), |step| step == job.step);
        if has_final_end(&house.journal, job.event.id, &job.step).unwrap_or_default() {
            finish(&path, &lock_path);
            return None;
        }
    }
    let _ = lock.leave_note(format!("{attempt} {stops}").as_bytes());
    let end = if attempt > MOST_ATTEMPTS {
        StepEnd::not_started(format!("the process that ran it died {MOST_ATTEMPTS} times"))
    } else if stops >= MOST_STOPS {
        StepEnd::not_started(format!("the process that ran it was asked to end {MOST_STOPS} times"))
    } else {
        let manner = Manner {
            timeout: job.timeout.map(Duration::from_secs),
            user: job.user.clone(),
            unattended: true,
        };
        let Job { event, step, path, rules, .. } = &job;
        Turn { event, step, path, rules, manner: &manner }.run(house, &signals)
    };
    let outcome = end.outcome;
    house.record(Some(job.event.id), Record::StepEnd { step: job.step, end });
    if outcome == StepOutcome::Interrupted {
        // A stop is no death.
        let _ = lock.leave_note(format!("0 {}", stops.saturating_add(1)).as_bytes());
        drop(lock);
        start(house, name);
        return signals.stop();
    }
    finish(&path, &lock_path);
    None
}

/// How often the process of a job died, and how often it was asked to end, as its lock says.
fn counted(note: &[u8]) -> (u32, u32) {
    let note = String::from_utf8_lossy(note);
    let mut numbers = note.split_whitespace().map(|word| word.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The job goes first: a lock without a job means nothing.
fn finish(job: &Path, lock: &Path) {
    files::remove_quietly(job);
    files::remove_quietly(lock);
}

/// Reads a job; one that makes no sense is set aside.
fn read(house: &mut House, path: &Path) -> Option<Job> {
    let content = files::read_if_there(path, LARGEST_JOB).ok()??;
    match serde_json::from_slice(&content) {
        Ok(job) => Some(job),
        Err(error) => {
            let failed = house.layout.failed();
            let name = path.file_name()?;
            let moved = files::make_private_folder(&failed)
                .and_then(|()| files::move_to(path, &failed.join(name)));
            let reason = match moved {
                Ok(()) => format!("{error}"),
                Err(trouble) => format!("{error}; {trouble}"),
            };
            let path = path.display().to_string();
            house.say(Urgency::Error, &format!("{path} holds no job: {reason}"));
            house.record(None, Record::SetAside { path, reason });
            None
        }
    }
}

/// Ends what a dead process had started for those steps of this event: they are about to
/// be repeated.
pub(super) fn end_orphans(event: &Event, grace: Duration, is_step: impl Fn(&str) -> bool) -> usize {
    let id = event.id.to_string();
    processes::end_orphans(grace, |variable| {
        variable("NETCUE_ID").as_deref() == Some(&id)
            && variable("NETCUE_STEP").is_some_and(|step| is_step(&step))
    })
}
