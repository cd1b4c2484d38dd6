//! Being called in the ways in which the sources call, on a machine where netcue stands in
//! the real places.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::call::{Call, NETCUE, Ran};
use crate::scene::{PATIENCE, Scene, text_of, words_of};

const PPPD_SAYS: [&str; 6] =
    ["ppp0", "/dev/ttyS0", "115200", "203.0.113.5", "203.0.113.1", "provider"];

/// The program called as `name`, as by a link.
fn called_as(scene: &Scene, name: &str) -> Call {
    Call::through(NETCUE, scene.root()).argv0(name)
}

/// One call, as an event: source, trigger, interface and outcome.
fn the_event(scene: &Scene) -> (Value, String) {
    let accepted = scene.records("accepted");
    assert_eq!(accepted.len(), 1, "{accepted:#?}");
    let outcomes = scene.outcomes();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    (accepted[0]["event"].clone(), outcomes[0].clone())
}

fn is_pppds(scene: &Scene, trigger: &str) {
    let (event, outcome) = the_event(scene);
    assert_eq!(event["source"], "ppp", "{event:#}");
    assert_eq!(event["trigger"], trigger, "{event:#}");
    assert_eq!(event["interface"], "ppp0", "{event:#}");
    assert_eq!(event["local"], "203.0.113.5", "{event:#}");
    assert_eq!(event["remote"], "203.0.113.1", "{event:#}");
    assert_eq!(event["details"]["ipparam"], "provider", "{event:#}");
    assert_eq!(outcome, "done");
}

fn one_run(ran: &Ran) {
    assert_eq!(ran.summaries.len(), 1, "{ran:?}");
}

#[test]
fn debians_wrapper_of_pppd_calls_a_link_in_ip_up_d() {
    for trigger in ["ip-up", "ip-down"] {
        let scene = Scene::on_this_machine();
        let folder = format!("/etc/ppp/{trigger}.d");
        for other in fs::read_dir(&folder).expect("ppp is installed") {
            fs::remove_file(other.expect("an entry").path()).expect("removed in the overlay");
        }
        symlink(NETCUE, format!("{folder}/netcue")).expect("a link");
        let wrapper = format!("/etc/ppp/{trigger}");
        one_run(&Call::through(&wrapper, scene.root()).words(PPPD_SAYS).run());
        is_pppds(&scene, trigger);
    }
}

#[test]
fn run_parts_calls_a_link_wherever_it_is_told_to_look() {
    for (folder, cwd) in
        [("/etc/ppp/ip-up.d", "/"), (".", "/etc/ppp/ip-up.d"), ("ip-up.d/", "/etc/ppp")]
    {
        let scene = Scene::on_this_machine();
        for other in fs::read_dir("/etc/ppp/ip-up.d").expect("ppp is installed") {
            fs::remove_file(other.expect("an entry").path()).expect("removed in the overlay");
        }
        symlink(NETCUE, "/etc/ppp/ip-up.d/netcue").expect("a link");
        let args = PPPD_SAYS.map(|word| format!("--arg={word}"));
        let mut call =
            Call::through("/usr/bin/run-parts", scene.root()).words(args).words([folder]);
        call.command().current_dir(cwd);
        one_run(&call.run());
        is_pppds(&scene, "ip-up");
    }
}

#[test]
fn pppd_calls_a_link_in_the_place_of_the_wrapper() {
    let scene = Scene::on_this_machine();
    fs::remove_file("/etc/ppp/ip-up").expect("ppp is installed");
    symlink(NETCUE, "/etc/ppp/ip-up").expect("a link");
    one_run(&Call::through("/etc/ppp/ip-up", scene.root()).words(PPPD_SAYS).run());
    is_pppds(&scene, "ip-up");
}

#[test]
fn diald_calls_by_a_link_and_in_the_plain_form_with_the_same_result() {
    let words = ["ppp0", "255.255.255.255", "203.0.113.5", "203.0.113.1", "0", "0"];
    let mut seen = Vec::new();
    for plain in [false, true] {
        let scene = Scene::on_this_machine();
        let call = if plain {
            Call::of(scene.root()).words(["from", "diald", "addroute"])
        } else {
            called_as(&scene, "/etc/diald/addroute")
        };
        call.words(words).run();
        scene.settled();
        let (mut event, outcome) = the_event(&scene);
        for stamped in ["id", "time", "boottime_ns", "netns"] {
            event[stamped] = Value::Null;
        }
        assert_eq!(event["trigger"], "addroute", "{event:#}");
        seen.push((event, outcome));
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn what_is_left_for_nobody_to_read_goes_to_syslog() {
    let scene = Scene::on_this_machine();
    let log = UnixDatagram::bind("/dev/log").expect("a socket");
    log.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let status = Command::new(NETCUE)
        .args(["from", "ppp", "ip-up"])
        .args(PPPD_SAYS)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("netcue");
    assert!(status.success());
    let mut line = [0; 1024];
    let length = log.recv(&mut line).expect("a line");
    let line = String::from_utf8_lossy(&line[..length]).into_owned();
    // <30> is daemon.info.
    assert!(line.starts_with("<30>") && line.contains("netcue["), "{line}");
    assert!(line.contains("ppp ip-up ppp0: rules changed, 0 hooks run"), "{line}");
    log.set_read_timeout(Some(Duration::from_millis(1))).expect("a limit");
    assert!(log.recv(&mut [0; 16]).is_err(), "one line a run");
    drop(scene);
}

#[test]
fn ipmasq_without_words_recomputes_the_rules_at_once() {
    for argv0 in ["ipmasq", "/usr/sbin/ipmasq"] {
        let scene = Scene::on_this_machine();
        scene.gateway();
        called_as(&scene, argv0).run();
        assert_eq!(scene.outcomes(), ["done"]);
        let event = &scene.records("accepted")[0]["event"];
        assert_eq!((&event["source"], &event["trigger"]), (&"manual".into(), &"run".into()));
        assert!(scene.nft("list ruleset").contains("masquerade"));
    }
}

#[test]
fn ipmasq_takes_the_options_it_had() {
    let scene = Scene::on_this_machine();
    scene.gateway();
    for option in ["-n", "--no-act"] {
        called_as(&scene, "ipmasq").words([option]).run();
    }
    for options in [["-n", "-d"].as_slice(), &["-nd"], &["--no-act", "--display"]] {
        called_as(&scene, "ipmasq")
            .words(options)
            .stdout_has("table inet netcue {")
            .stdout_has("masquerade")
            .stdout_has("# not in force: see \"netcue rules diff\"\n")
            .run();
    }
    assert_eq!(scene.nft("list ruleset"), "");
    assert_eq!(scene.journal(), Vec::<Value>::new());
    for option in ["-v", "--verbose"] {
        called_as(&scene, "ipmasq").words([option]).stdout("event ID: handled\n").run();
    }
    for option in ["-d", "--display"] {
        let shown = called_as(&scene, "ipmasq").words([option]).any_stdout().run().stdout;
        assert!(shown.contains("masquerade") && !shown.contains("not in force"), "{shown}");
    }
    for option in ["-h", "--help"] {
        called_as(&scene, "ipmasq").words([option]).stdout_has("Usage: ipmasq [OPTIONS]").run();
    }
    for option in ["-V", "--version"] {
        let version = format!("ipmasq {}\n", env!("CARGO_PKG_VERSION"));
        called_as(&scene, "ipmasq").words([option]).stdout(&version).run();
    }
    assert_eq!(scene.outcomes(), ["done"; 4]);
}

#[test]
fn ipmasq_with_other_words_says_what_is_wrong() {
    let scene = Scene::on_this_machine();
    let call = called_as(&scene, "ipmasq").words(["--rules"]).status(64);
    call.stderr_has("unexpected argument '--rules' found").stderr_has("Usage: ipmasq").run();
    assert_eq!(scene.journal(), Vec::<Value>::new());
}

#[test]
fn a_link_in_an_unknown_place_is_told_where_it_stands() {
    let scene = Scene::on_this_machine();
    called_as(&scene, "/etc/ppp/ip-sideways.d/netcue")
        .words(PPPD_SAYS)
        .stderr(
            "netcue: refused: called as /etc/ppp/ip-sideways.d/netcue, which is no place where a \
             source looks for its hook: remove the link, and let a script there run \"netcue emit \
             --no-wait\"\n",
        )
        .run();
    let records = scene.journal();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0]["record"], "refused");
    assert_eq!(records[0]["argv"][1], "ppp0");
}

/// ifupdown takes an interface down again when a script fails, and says no words.
#[test]
fn a_link_in_an_unknown_place_fails_no_caller_unless_it_is_told_to() {
    let scene = Scene::on_this_machine();
    let mut call = called_as(&scene, "/etc/elsewhere/if-up.d/netcue");
    call = call.stderr_has("netcue: refused: called as /etc/elsewhere/if-up.d/netcue, ");
    call.run();
    scene.put("etc/netcue/netcue.conf", "strict = true\n");
    called_as(&scene, "/etc/elsewhere/if-up.d/netcue").status(65).stderr_has("refused: ").run();
}

/// diald's `ip-up "/usr/sbin/ipmasq"` appends what it says to every script.
#[test]
fn ipmasq_takes_and_records_the_words_that_a_caller_appends() {
    let scene = Scene::on_this_machine();
    let words = ["ppp0", "255.255.255.255", "192.0.2.2", "-"];
    called_as(&scene, "/usr/sbin/ipmasq").words(words).run();
    assert_eq!(scene.outcomes(), ["done"]);
    let accepted = &scene.journal()[0];
    let argv: Vec<&str> =
        accepted["argv"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    assert_eq!(argv[1..], words, "{accepted:#?}");
}

#[test]
fn a_call_that_is_not_understood_is_refused_with_its_reason() {
    for (call, reason) in [
        ("slirp up", "\"slirp\": no such source; there are ppp diald pcmcia boot manual"),
        ("ppp", "ppp: word 1: a trigger is missing; there are ip-pre-up ip-up"),
        ("ppp ip-sideways ppp0", "ppp: word 1: \"ip-sideways\": no such trigger; there are"),
        ("ppp ip-up ppp0", "(expected: ip-up INTERFACE TTY SPEED LOCAL REMOTE [IPPARAM])"),
        (
            "ppp ip-up a/b tty 1 192.0.2.1 192.0.2.2",
            "word 1: \"a/b\": an interface name can't contain '/'",
        ),
        ("pcmcia start", "pcmcia start: word 1: "),
    ] {
        let scene = Scene::new();
        let said = scene
            .calling(call)
            .status(65)
            .stderr_has("netcue: refused: ")
            .stderr_has(reason)
            .run()
            .stderr;
        let records = scene.journal();
        assert_eq!(records.len(), 1, "{records:#?}");
        assert_eq!(records[0]["record"], "refused");
        let recorded = words_of(&records[0]["reason"]);
        assert!(said.ends_with(&format!("{recorded}\n")), "{said}");
        assert_eq!(scene.queue(), Vec::<String>::new());

        let shown = scene.netcue(["parse"]).words(call.split(' ')).status(65).any_stdout();
        let shown = shown.stderr_has(&recorded).run().stdout;
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert!(text_of(&shown["error"]["message"]).ends_with(&recorded), "{shown}");
        assert_eq!(scene.journal().len(), 1, "parse records nothing");
    }
}

#[test]
fn from_without_a_source_is_a_wrong_command_line() {
    let scene = Scene::new();
    scene.netcue(["from"]).status(64).stderr_has("Usage: netcue from").run();
    assert_eq!(scene.journal(), Vec::<Value>::new());
}

#[test]
fn an_empty_root_is_refused_and_no_folder_is_taken_for_it() {
    let scene = Scene::on_this_machine();
    Call::through(NETCUE, scene.root())
        .argv0("netcue")
        .words(["--root", "", "from", "boot", "start"])
        .status(64)
        .stderr("netcue: --root \"\": cannot make an empty path absolute\n")
        .run();
    assert_eq!(scene.names_in("run/netcue"), Vec::<String>::new());
}

#[test]
fn parse_shows_the_event_and_changes_nothing() {
    let scene = Scene::new();
    let words = ["parse", "--argv0", "/etc/ppp/ip-up.d/netcue"].into_iter().chain(PPPD_SAYS);
    let shown = scene.netcue(words).any_stdout().run().stdout;
    let event: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(event["trigger"], "ip-up", "{event:#}");
    assert_eq!(scene.names_in(""), Vec::<String>::new());
}

#[test]
fn a_caller_that_reads_to_the_end_of_its_pipe_is_not_held() {
    // `finish` fails where the pipe outlives the call; this call leaves a runner behind it.
    let scene = Scene::new();
    scene.gated_hook("20-slow", "# netcue: action=up");
    scene.netcue(["emit", "--action", "up", "--no-wait"]).stdout("ID queued\n").run();
    scene.begun(1);
    scene.open();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done"]);
}

#[test]
fn what_comes_by_the_second_and_says_nothing_leaves_no_trace() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.calling("hostapd_cli wlan0 AP-STA-CONNECTED 02:00:00:00:02:00").run();
        scene.calling("wpa_cli wlan0 P2P-GROUP-STARTED passphrase=\"secret12\"").run();
    }
    assert_eq!(scene.journal(), Vec::<Value>::new());
    assert!(!scene.path("run/netcue").exists(), "not even a queue");
    scene.calling("hostapd_cli wlan0 AP-ENABLED").run();
    crate::scene::wait_until("its end", || scene.outcomes() == ["done"]);
}

#[test]
fn a_refusal_fails_only_callers_that_it_cannot_harm() {
    let scene = Scene::new();
    for (call, status) in [
        // wg-quick would delete the interface, dhclient decline the lease.
        ("wg-quick up %i", 0),
        ("dhclient BOUND", 0),
        ("ifupdown up", 0),
        // A yes would let somebody in.
        ("openvpn auth-user-pass-verify /tmp/x", 65),
        ("keepalived INSTANCE VI_1", 65),
    ] {
        scene.calling(call).status(status).stderr_has("refused: ").run();
    }
    scene.config("strict = true\n");
    scene.calling("wg-quick up %i").status(65).stderr_has("refused: ").run();
}

#[test]
fn what_libvirt_says_on_stdin_is_read_and_a_modem_is_not() {
    let scene = Scene::new();
    let xml = "<hookData><network><name>lab</name><bridge name='virbr7'/></network></hookData>";
    let call = scene.netcue(["parse", "libvirt", "lab", "started", "begin", "-"]).stdin(xml);
    call.stdout_has("\"interface\": \"virbr7\"").run();
    let more = format!("{xml}{}", " ".repeat(1 << 20));
    let call = scene.netcue(["parse", "libvirt", "lab", "started", "begin", "-"]).stdin(more);
    call.stdout_has("\"interface\": \"virbr7\"").run();
    let call = scene.netcue(["parse", "diald", "connect"]).stdin(xml);
    call.stdout_has("\"interface\": null").run();
}
