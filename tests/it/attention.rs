//! What needs attention is said by everything that is asked how things stand, in the same words,
//! and no longer than it lasts.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::machine::Mounted;
use crate::scene::{IP_UP, Scene, text_of, wait_until, write_file};
use crate::show::{assert_valid, json_of, piped, split};

/// An output without what is another one each time: numbers, the ids of events, and how many
/// spaces that takes.
pub(crate) fn shape(shown: &str) -> String {
    let word = |word: &str| {
        let is_id = word.trim_matches(['(', ')', ',', '.', ':', '"']);
        let is_id = is_id.len() >= 13 && is_id.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        if is_id {
            return word.replace(word.trim_matches(['(', ')', ',', '.', ':', '"']), "ID");
        }
        let mut masked = String::new();
        for c in word.chars() {
            match c {
                '0'..='9' if masked.ends_with('#') => {}
                '0'..='9' => masked.push('#'),
                c => masked.push(c),
            }
        }
        masked
    };
    let line = |line: &str| {
        let indent = if line.starts_with("  ") { "  " } else { "" };
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        format!("{indent}{}\n", words.join(" "))
    };
    shown.lines().map(line).collect()
}

/// A gateway whose rules are in force, on which nothing is wrong.
fn gateway() -> Scene {
    let scene = Scene::new();
    scene.gateway();
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("forwarding");
    scene
}

/// Everything that `status`, `doctor` and `metrics` say needs attention: they agree, or this fails.
fn attention(scene: &Scene) -> Vec<Value> {
    let status = json_of(scene, "status --json").remove(0);
    assert_valid("status", &status);
    let listed = status["attention"].as_array().expect("a list").clone();
    let ran = scene.netcue(["doctor", "--json"]).any_status().any_stdout().run();
    let found: Vec<Value> = serde_json::from_str(&ran.stdout).expect("JSON");
    let of_state = found.iter().filter(|finding| finding["state"] == "attention");
    let ids = |all: &[&Value]| {
        let mut ids: Vec<String> = all.iter().map(|finding| text_of(&finding["check"])).collect();
        ids.sort();
        ids
    };
    let by_doctor = ids(&of_state.collect::<Vec<_>>());
    assert_eq!(ids(&listed.iter().collect::<Vec<_>>()), by_doctor, "{ran:?}");
    let metrics = scene.netcue(["metrics"]).any_stdout().any_status().any_stderr().run().stdout;
    for check in found.iter().map(|finding| text_of(&finding["check"])) {
        let number = by_doctor.iter().filter(|id| **id == check).count();
        let line = format!("netcue_attention{{check=\"{check}\"}} {number}\n");
        assert!(metrics.is_empty() || metrics.contains(&line), "{line}: {metrics}");
    }
    listed
}

/// The one thing that needs attention: its check, what was found, and the command that mends it.
fn only(scene: &Scene) -> (String, String, Option<String>) {
    let all = attention(scene);
    let [one] = all.as_slice() else { panic!("{all:#?}") };
    let command = one["command"].as_str().map(shape).map(|line| line.trim_end().to_owned());
    (text_of(&one["check"]), shape(one["what"].as_str().expect("text")).trim_end().into(), command)
}

fn nothing(scene: &Scene) {
    let all = attention(scene);
    assert!(all.is_empty(), "{all:#?}");
    let status = piped(scene, "status");
    assert!(status.contains("\nattention  nothing needs it\n"), "{status}");
}

/// The newest records are of runs whose events were taken in more than five hundred records before.
#[test]
fn after_a_burst_of_which_half_failed_status_says_so() {
    let scene = gateway();
    scene.from("boot start");
    scene.hook("20-odd", "#!/bin/sh\ncase $NETCUE_INTERFACE in *[13579]) exit 3;; esac\n");
    for number in 30..40 {
        scene.hook(&format!("{number}-more"), "#!/bin/sh\n");
    }
    let held = crate::lock::Held::lock(&scene.path("run/netcue/lock"));
    for number in 1..=40 {
        scene.from(&IP_UP.replace("ppp0", &format!("ppp{number}")));
    }
    drop(held);
    scene.netcue(["run"]).status(1).any_stderr().run();
    scene.settled();
    assert!(scene.journal().len() > 1000);
    let shown = shape(&piped(&scene, "status"));
    let (above, events) = shown.split_once("\n\n").expect("two parts");
    assert_eq!(
        above,
        "$ netcue status\n\
         rules in force, last changed #-# #:#:# by boot start\n\
         outside wan: default route via #.#.#.#, table main, metric #\n\
         inside lan: up with #.#.#.#/#, no default route\n\
         queue empty\n\
         attention #-odd failed for ppp#, and was not run for it since: exit status #, \
         since #-# #:#:#\n  > netcue why #-odd"
    );
    assert_eq!(events.lines().count(), 9, "{shown}");
    let failed = events.lines().filter(|line| line.contains(" failed ")).count();
    assert_eq!(failed, 4, "{shown}");
}

#[test]
fn a_stopped_process_that_holds_the_lock_is_named() {
    let scene = gateway();
    scene.from("boot start");
    scene.gated_hook("20-slow", "# netcue: action=up");
    let holder = scene.calling(IP_UP).spawn();
    scene.begun(1);
    kill(Pid::from_raw(holder.pid()), Signal::SIGSTOP).expect("a process");
    wait_until("it to stop", || {
        let stat = scene.netcue(["status"]).any_stdout().any_stderr().run().stdout;
        stat.contains("stopped")
    });
    let (check, what, command) = only(&scene);
    assert_eq!(check, "lock");
    let named = "netcue (pid #) holds the lock and is stopped: nothing is handled until it goes on";
    assert_eq!((what.as_str(), command.as_deref()), (named, Some("kill -CONT #")));
    kill(Pid::from_raw(holder.pid()), Signal::SIGCONT).expect("a process");
    scene.open();
    holder.finish();
    scene.settled();
    nothing(&scene);
}

#[test]
fn another_table_that_drops_everything_is_said_by_all_and_by_the_plan() {
    let scene = gateway();
    scene.ip_up();
    nothing(&scene);
    scene.nft(
        "table inet mine {\nchain forward {\ntype filter hook forward priority 10; policy drop;\n}\n}",
    );
    let (check, what, _) = only(&scene);
    assert_eq!(check, "firewalls");
    assert_eq!(what, "table inet mine, chain forward drops every forwarded packet");
    let shown = piped(&scene, "plan --current");
    let (_, packets) = shown.split_once("what becomes of packets then:\n").expect("packets");
    let mut lines = packets.lines();
    let first = lines.next().expect("a line");
    assert!(first.starts_with("  table inet mine, chain forward drops every forwarded packet ("));
    let leaves = lines.filter(|line| line.contains("leaves by wan as 198.51.100.2"));
    let leaves: Vec<&str> = leaves.collect();
    assert_eq!(
        leaves,
        ["  were it not for that: 192.168.7.0/24 leaves by wan as 198.51.100.2"],
        "{shown}"
    );
}

#[test]
fn a_journal_without_room_is_said_by_all() {
    let scene = gateway();
    let mounted = Mounted::full(scene.path("var/log/netcue"));
    scene.calling(IP_UP).any_stderr().run();
    let all = attention(&scene);
    let checks: Vec<String> = all.iter().map(|finding| text_of(&finding["check"])).collect();
    assert_eq!(checks, ["storage", "records"], "{all:#?}");
    assert!(text_of(&all[0]["what"]).contains("no storage space"), "{all:#?}");
    drop(mounted);
}

#[test]
fn a_source_that_calls_while_it_is_off_is_said_by_all_and_its_call_is_the_newest_event() {
    let scene = gateway();
    scene.hook("80-mail", "#!/bin/sh\n");
    scene.ip_up();
    nothing(&scene);
    fs::create_dir_all(scene.path("etc/netcue/enabled")).expect("a folder");
    scene.ip_up();
    let (check, what, command) = only(&scene);
    assert_eq!((check.as_str(), command.as_deref()), ("sources", Some("netcue enable ppp")));
    assert_eq!(what, "ppp calls netcue and is switched off: its calls do nothing");
    let status = piped(&scene, "status");
    assert!(status.lines().last().expect("a line").contains("  disabled "), "{status}");
    let why = piped(&scene, "why 80-mail");
    let last = why.lines().last().expect("a line");
    assert!(last.contains("it was not asked, because the source was switched off."), "{why}");
    write_file(&scene.path("etc/netcue/enabled/ppp"), b"", 0o644);
    nothing(&scene);
}

#[test]
fn a_hook_that_fails_every_time_needs_attention_until_it_ends_well() {
    let scene = gateway();
    scene.hook("70-ddns", "#!/bin/sh\nexit 3\n");
    for _ in 0..20 {
        scene.ip_up();
    }
    let (check, what, command) = only(&scene);
    assert_eq!(check, "failing");
    assert_eq!(what, "#-ddns failed each of the last # times: exit status #");
    assert_eq!(command.as_deref(), Some("netcue why #-ddns"));
    let all = attention(&scene);
    assert!(text_of(&all[0]["what"]).contains("each of the last 20 times"), "{all:#?}");
    let since = text_of(&all[0]["since"]);
    assert_eq!(since, text_of(&scene.records("step-end")[1]["time"]), "since the first of them");
    scene.hook("70-ddns", "#!/bin/sh\n");
    scene.ip_up();
    nothing(&scene);
    // What begins again after that does not end with one success.
    for exit in [3, 0] {
        scene.hook("70-ddns", format!("#!/bin/sh\nexit {exit}\n"));
        scene.ip_up();
    }
    let (_, what, _) = only(&scene);
    let what = what.replace("# of the last #", "N of the last M");
    assert!(what.starts_with("#-ddns failed N of the last M times, though not the last"), "{what}");
}

#[test]
fn what_is_gone_needs_no_attention_any_more() {
    let scene = gateway();
    scene.hook("70-ddns", "#!/bin/sh\nexit 3\n");
    scene.ip_up();
    assert_eq!(only(&scene).0, "failing");
    fs::remove_file(scene.path("etc/netcue/hooks.d/70-ddns")).expect("a hook");
    nothing(&scene);
    scene.calling("ppp ip-oops ppp0").any_status().any_stderr().run();
    assert_eq!(only(&scene).0, "calls");
}

/// A hook that holds the run up for long after the rules were changed.
#[test]
fn the_rules_were_changed_when_they_were() {
    let scene = gateway();
    scene.gated_hook("70-slow", "# netcue: action=up");
    let running = scene.calling(IP_UP).spawn();
    scene.begun(1);
    let changed = scene.end_of("50-rules");
    assert_eq!(changed["outcome"], "changed");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    scene.open();
    running.finish();
    let status = json_of(&scene, "status --json").remove(0);
    assert_eq!(status["rules"]["since"], changed["time"]);
    let steps = status["last"][0]["steps"].as_array().expect("steps").clone();
    let rules = steps.iter().find(|step| step["step"] == "50-rules").expect("the rules");
    assert_eq!(rules["ended"], changed["time"]);
    assert!(text_of(&rules["began"]) < text_of(&rules["ended"]), "{rules:#}");
}

/// `nft -f /dev/stdin` stays as long as its input is open, and so does the table it owns.
fn owning(table: &str) -> Child {
    let mut child = Command::new("nft")
        .args(["-i"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("nft");
    let stdin = child.stdin.as_mut().expect("a pipe");
    std::io::Write::write_all(stdin, format!("{table}\n").as_bytes()).expect("written");
    child
}

#[test]
fn of_a_table_that_another_process_owns_the_advice_is_to_ask_that() {
    let scene = gateway();
    scene.ip_up();
    scene.nft("delete table inet netcue");
    let mut owner = owning(
        "add table inet netcue { flags owner; chain forward { type filter hook forward priority 0; policy accept; }; }",
    );
    wait_until("the table", || scene.nft("list tables").contains("netcue"));
    let (check, what, command) = only(&scene);
    owner.kill().expect("a signal");
    owner.wait().expect("an end");
    assert_eq!((check.as_str(), command.as_deref()), ("rules", Some("kill #")));
    assert_eq!(
        what,
        "the rules in force are not those the kernel's state calls for, and only another process (nft, \
         pid #) may change table inet netcue"
    );
}

#[test]
fn a_run_in_which_a_hook_was_refused_is_among_the_failed() {
    let scene = gateway();
    scene.hook("20-a", "#!/bin/sh\n# netcue: source=diald\n").hook("30-b", "#!/bin/sh\n");
    scene.hook_in("etc/netcue/hooks.d", "40-open", "#!/bin/sh\n", 0o775);
    scene.ip_up();
    let shown = shape(&piped(&scene, "history --failed"));
    assert_eq!(
        shown,
        "$ netcue history --failed\n\
         TIME EVENT CALL OUTCOME TOOK RULES HOOKS REASON\n\
         #-# #:#:# ID ppp ip-up ppp# failed #.# ms changed #/# #-open\n"
    );
    assert!(piped(&scene, "history").contains("  1/3 "), "one of three ran");
    let (check, _, command) = only(&scene);
    assert_eq!(check, "hooks");
    let path = scene.path("etc/netcue/hooks.d/40-open");
    assert!(command.expect("a command").starts_with("chmod g-w "));
    crate::scene::run("chmod", ["g-w", &path.display().to_string()]);
    nothing(&scene);
}

/// What keeps pppd's calls away, or holds them up, is named by whoever is asked.
#[test]
fn what_stands_in_the_way_of_pppd_is_named() {
    let scene = Scene::installed();
    scene.gateway();
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("forwarding");
    scene.with_ppp();
    scene.netcue(["enable", "ppp"]).any_stdout().run();
    scene.from(IP_UP);
    nothing(&scene);
    let says = |what: &str| {
        let (check, found, _) = only(&scene);
        assert_eq!(check, "wrapper");
        assert_eq!(found, what);
        let why = shape(&piped(&scene, "why ppp"));
        assert!(why.contains(&format!("{what}.\n")), "{why}");
        assert!(!why.contains("Nothing keeps its calls away"), "{why}");
    };
    scene.chmod("etc/ppp/ip-up", 0o644);
    says("/etc/ppp/ip-up is not executable, so nothing in /etc/ppp/ip-up.d is run");
    scene.chmod("etc/ppp/ip-up", 0o755);
    nothing(&scene);
    let local = scene.path("etc/ppp/ip-up.local");
    write_file(&local, b"#!/bin/sh\nroute add\n", 0o755);
    says("/etc/ppp/ip-up.local takes the place of everything in /etc/ppp/ip-up.d");
    fs::remove_file(&local).expect("a script");
    nothing(&scene);
    let hanging = scene.path("etc/ppp/ip-up.d/0000hanging");
    write_file(&hanging, b"#!/bin/sh\nsleep 60\n", 0o755);
    let mut parts = run_parts(hanging.parent().expect("a folder"));
    wait_until("it to be noticed", || piped(&scene, "status").contains("0000hanging"));
    let hangs = "/etc/ppp/ip-up.d/#hanging (pid #) has run for #.# s, and /etc/ppp/ip-up.d/#netcue \
                 is run behind it";
    says(hangs);
    for (pid, _) in crate::scene::processes_with(&hanging.display().to_string()) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process");
    }
    parts.kill().ok();
    parts.wait().expect("an end");
    nothing(&scene);
}

fn run_parts(folder: &Path) -> Child {
    Command::new("run-parts").arg(folder).spawn().expect("run-parts")
}

#[test]
fn words_in_quotes_stay_together() {
    assert_eq!(split("a \"b c\""), ["a", "b c"]);
    assert_eq!(shape("a  12.5 ms  019ca8c6-cd98"), "a #.# ms ID\n");
}

/// Its process may be stopped, or the machine too busy: nobody waits who would notice.
#[test]
fn a_hook_that_holds_nobody_and_does_not_end_is_named() {
    let scene = gateway();
    scene.gated_hook("80-late", "# netcue: wait=no timeout=60s");
    scene.ip_up();
    scene.begun(1);
    assert!(!attention(&scene).iter().any(|finding| finding["check"] == "running"));
    let ticket = scene.names_in("run/netcue/unattended").remove(0);
    let ticket = scene.path("run/netcue/unattended").join(ticket).display().to_string();
    crate::scene::run("touch", ["-d", "10 minutes ago", &ticket]);
    let found = attention(&scene);
    let found = found.iter().find(|finding| finding["check"] == "running").expect("it is found");
    let what = text_of(&found["what"]);
    let said =
        "80-late of ppp ip-up ppp0, which holds nobody, has not ended for 10 min 0 s, and its";
    assert!(what.starts_with(said) && what.ends_with("limit is 1 min 0 s"), "{what}");
    assert_eq!(found["about"], "80-late");
    scene.open();
    wait_until("its end", || scene.end_of("80-late")["outcome"] == "done");
    assert!(!attention(&scene).iter().any(|finding| finding["check"] == "running"));
}
