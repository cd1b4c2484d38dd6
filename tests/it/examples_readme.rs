//! The README's examples, typed one after the other as somebody does who reads it.

use std::fs;
use std::path::Path;

use crate::examples::{By, Row, go_through, in_repository, of_the_readme, without_remark};
use crate::reader::Reader;

const ROWS: &[Row] = &[
    (
        "make demo",
        By::Elsewhere("tests/it/demo.rs", "fn the_day_is_played_and_every_promise_holds"),
    ),
    ("make test", By::Elsewhere(".ci/run", "\nmake test\n")),
    ("make build", By::Elsewhere("debian/rules", "$(MAKE) build)\n")),
    ("make install", By::Reader(installs)),
    ("make deb", By::Elsewhere(".ci/run", "\nmake test-package\n")),
    ("netcue configure", By::Reader(configures)),
    ("netcue enable", By::Reader(proposes)),
    ("netcue enable networkmanager dhclient", By::Reader(enables_two)),
    ("netcue enable ppp", By::Reader(enables_ppp)),
    ("netcue enable diald", By::Reader(enables_diald)),
    ("netcue enable pcmcia", By::Reader(enables_pcmcia)),
    ("netcue enable boot --stage services", By::Reader(enables_boot)),
    ("netcue sources", By::Reader(sources)),
    ("netcue doctor", By::Reader(doctor)),
    ("netcue disable", By::Reader(disables)),
    ("netcue emit --no-wait --action up --interface NAME", By::Reader(emits)),
    ("#!/bin/sh", By::Reader(writes_a_hook)),
    ("netcue adopt --dry-run /etc/network/if-up.d", By::Reader(adopts)),
    ("netcue adopt /etc/network/if-up.d", By::Reader(adopts)),
    ("netcue adopt --undo /etc/network/if-up.d", By::Reader(adopts)),
    ("$ netcue history --last 2", By::Reader(looks_back)),
    ("netcue status", By::Reader(status)),
    ("netcue history", By::Reader(history)),
    ("netcue history last", By::Reader(history_last)),
    ("netcue history --failed", By::Reader(history_failed)),
    ("netcue history --follow", By::Reader(history_follow)),
    ("netcue why", By::Reader(why)),
    ("netcue why 70-address", By::Reader(why_hook)),
    ("netcue why hook 70-address --at 10:42", By::Reader(why_at)),
    ("netcue why eth0", By::Reader(why_interface)),
    ("netcue why rule masquerade", By::Reader(why_rule)),
    ("netcue hooks", By::Reader(hooks)),
    ("netcue rules show", By::Reader(rules_show)),
    ("netcue rules diff", By::Reader(rules_diff)),
    ("netcue timeline --since boot > boot.svg", By::Reader(timeline)),
    ("netcue capture last > incident.tar", By::Reader(capture)),
    ("netcue replay --sandbox incident.tar", By::Reader(replay)),
    ("netcue plan from ppp ip-up ppp0 ttyS0 115200 192.0.2.7 192.0.2.1", By::Reader(plan)),
    ("netcue plan --current", By::Reader(plan_current)),
    ("netcue plan last", By::Reader(plan_last)),
    ("mkdir -p /tmp/try/etc/netcue/hooks.d", By::Reader(tries_safely)),
    ("nft -f", By::Reader(own_rules)),
];

/// The folder is that of a machine with a package that ships a script for ifupdown.
fn adopts(reader: &Reader, example: &str) {
    reader.writes_program("/etc/network/if-up.d/postfix", "#!/bin/sh\n");
    let words = without_remark(example);
    let said = reader.sees(words);
    assert!(said.contains("netcue.conf") || said.contains("already so"), "{said}");
    assert_eq!(said.contains("postfix"), !words.contains("--undo"), "{said}");
}

#[test]
fn every_example_of_the_readme_works() {
    go_through(&Reader::new(), &of_the_readme(&in_repository("README.md")), ROWS);
}

/// `make install   # or: make install DESTDIR=…`
fn installs(reader: &Reader, example: &str) {
    let (here, elsewhere) = example.split_once("# or: ").expect("two ways");
    reader.makes(elsewhere);
    reader.finds("/tmp/package/usr/sbin/netcue --version", &["netcue "]);
    assert!(!Path::new("/usr/sbin/netcue").exists());
    reader.makes(here);
    reader.finds("netcue --version", &["netcue "]);
}

fn proposes(reader: &Reader, example: &str) {
    reader.finds(example, &["\nnetcue enable "]);
}

fn enables_two(reader: &Reader, example: &str) {
    reader.finds(example, &["\nnetworkmanager: ", "\ndhclient: "]);
}

fn configures(reader: &Reader, example: &str) {
    let asked = reader
        .types(&format!("script -qec '{example}' /dev/null"))
        .stdin("off\nno\nno\nno\n")
        .any_stdout()
        .run();
    assert!(asked.stdout.contains("When shall netcue run at the start"), "{asked:?}");
    assert!(reader.scene.text("etc/default/netcue").contains("\nBOOT=\"off\"\n"), "{asked:?}");
}

fn enables_ppp(reader: &Reader, example: &str) {
    reader.finds(example, &["ppp: linked /etc/ppp/ip-up.d/0000netcue -> /usr/sbin/netcue\n"]);
    reader.link_comes_up();
    assert_eq!(reader.scene.outcomes(), ["done"]);
}

fn enables_diald(reader: &Reader, example: &str) {
    let line = "\naddroute \"/usr/sbin/netcue from diald addroute\"\n";
    reader.finds(example, &[line]);
    reader.writes("/etc/diald/diald.options", "mode ppp\n");
    let example = without_remark(example);
    reader.sees(&format!("{example} --edit /etc/diald/diald.options"));
    assert!(reader.scene.text("etc/diald/diald.options").contains(line));
}

fn enables_pcmcia(reader: &Reader, example: &str) {
    let line = "\nstart_fn() { netcue_card start \"$1\"; }\n";
    reader.finds(example, &["/etc/pcmcia/network.opts", line]);
    let block = "case \"$ADDRESS\" in\n*,*,*,*)\n    DHCP=\"y\"\n    ;;\nesac\n";
    reader.writes("/etc/pcmcia/network.opts", block);
    let example = without_remark(example);
    reader.sees(&format!("{example} --edit /etc/pcmcia/network.opts"));
    assert!(reader.scene.text("etc/pcmcia/network.opts").contains("netcue_card start"));
}

fn enables_boot(reader: &Reader, example: &str) {
    let has = |line: &str| reader.scene.text("etc/default/netcue").contains(line);
    reader.sees(example);
    assert!(has("\nBOOT=\"services\"\n") && !has("\nPRE_NETWORK=\"yes\"\n"));
    reader.sees(&format!("{} --pre-network", without_remark(example)));
    assert!(has("\nBOOT=\"services\"\n") && has("\nPRE_NETWORK=\"yes\"\n"));
}

fn sources(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    let ppp = shown.lines().find(|line| line.starts_with("ppp  ")).expect("a line");
    for part in ["/etc/ppp/ip-down.d/0000netcue", "yes"] {
        assert!(ppp.contains(part), "{shown}");
    }
    assert!(!ppp.contains("never"), "{shown}");
}

/// Does what it says is to be done, too.
fn doctor(reader: &Reader, example: &str) {
    reader.scene.nft("delete table inet netcue");
    let found = reader.types(example).status(1).any_stdout().run().stdout;
    assert!(found.contains("attention  rules"), "{found}");
    assert!(found.contains("> netcue rules apply;"), "{found}");
    reader.sees("netcue rules apply");
    reader.finds(example, &["Nothing needs attention.\n"]);
}

fn disables(reader: &Reader, example: &str) {
    let link = Path::new("/etc/ppp/ip-up.d/0000netcue");
    reader.finds(&format!("{example} ppp --dry-run"), &["would remove"]);
    assert!(link.is_symlink());
    reader.sees(&format!("{example} ppp"));
    assert!(!link.is_symlink());
    reader.sees("netcue enable ppp");
    assert!(link.is_symlink());
}

fn emits(reader: &Reader, example: &str) {
    reader.types(example).stdout("ID queued\n").run();
    assert_eq!(reader.last_event()["interface"], "NAME");
}

/// The hook goes where the README says, and does what it says.
fn writes_a_hook(reader: &Reader, example: &str) {
    let path = "/etc/netcue/hooks.d/70-address";
    assert!(
        in_repository("README.md").contains(&format!("`{path}`, keeps the\naddress of each PPP"))
    );
    reader.writes_program(path, example);
    let kept = Path::new("/run/ppp0.address");
    reader.link_comes_up();
    assert_eq!(fs::read_to_string(kept).expect("the address"), "192.0.2.7\n");
    assert_eq!(reader.scene.end_of("70-address")["output"], "ppp0 is up, rules unchanged\n");
    reader.link_goes("ipv6-up", "fe80::7", "fe80::1");
    assert_eq!(reader.scene.end_of("70-address")["outcome"], "not-for-me");
    reader.link_goes("ip-down", "192.0.2.7", "192.0.2.1");
    assert!(!kept.exists());
    assert_eq!(reader.scene.end_of("70-address")["output"], "ppp0 is down, rules unchanged\n");
}

/// A mail that was not fetched, and what netcue says of it, but for times, ids and counts.
fn looks_back(reader: &Reader, example: &str) {
    let path = "/etc/netcue/hooks.d/80-mail";
    let hook = "#!/bin/sh\n# netcue: action=up\n\
                echo \"fetchmail: can't resolve mail.example.org\" >&2\nexit 3\n";
    reader.writes_program(path, hook);
    reader.scene.nft("delete table inet netcue");
    reader.link_comes_up();
    reader.link_goes("ip-down", "192.0.2.7", "192.0.2.1");
    let commands = example.lines().filter_map(|line| line.strip_prefix("$ "));
    let shown = commands.map(|command| format!("$ {command}\n{}", reader.sees(command)));
    let shown: String = shown.collect();
    let (shown, promised) = (without_numbers(&shown), without_numbers(example));
    assert!(shown == promised, "shown is:\n{shown}\nand promised:\n{promised}");
    fs::remove_file(path).expect("the hook");
}

/// Words with a digit for each number and a word for each id, with one space between them.
fn without_numbers(text: &str) -> String {
    let is_id = |word: &str| word.len() == 13 && word.chars().nth(8) == Some('-');
    let bare = |word: &str| {
        let inner = word.trim_matches(|c| "():".contains(c));
        if is_id(inner) {
            return word.replace(inner, "ID");
        }
        let is_count = |word: &str| word.chars().all(|c| c.is_ascii_digit() || ".:-".contains(c));
        if is_count(inner.trim_end_matches(',')) { "0".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| line.split_whitespace().map(bare).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// From here on there is something to be found out: a call that went wrong, and a good one.
fn status(reader: &Reader, example: &str) {
    reader.types("netcue from ppp ip-up").status(65).any_stderr().run();
    reader.link_comes_up();
    reader.finds(
        example,
        &[
            "rules      in force, last changed ",
            "outside    ppp0: default route, ",
            "inside     eth0: up with 192.168.7.1/24",
            "  refused  ",
        ],
    );
}

fn history(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    let last = shown.lines().last().expect("a line");
    assert!(last.contains("  ppp ip-up ppp0 ") && last.contains("  done  "), "{shown}");
    let events = reader.scene.records("accepted").len() + reader.scene.records("refused").len();
    assert_eq!(shown.lines().count(), events + 1, "an event a line: {shown}");
}

fn history_last(reader: &Reader, example: &str) {
    let parts =
        ["ppp ip-up ppp0 done\n", "  70-address  done (", "| ppp0 is up, rules unchanged\n"];
    reader.finds(example, &parts);
}

fn history_failed(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    assert!(shown.contains("  refused  "), "{shown}");
    assert!(!shown.contains("  done  "), "{shown}");
}

fn history_follow(reader: &Reader, example: &str) {
    let shown = reader.watches(example, || reader.link_comes_up());
    assert!(shown.contains("ppp ip-up ppp0"), "{shown}");
}

fn why(reader: &Reader, example: &str) {
    let parts =
        ["called at ", " with \"ip-up\" about ppp0, ", "70-address ran for ", "All of it was done"];
    reader.finds(example, &parts);
}

fn why_hook(reader: &Reader, example: &str) {
    let parts =
        ["/70-address runs for events with action=up,down interface=ppp*, ", "and ended well"];
    reader.finds(example, &parts);
}

/// At a time when nothing happened, or may have, and at one when something did.
fn why_at(reader: &Reader, example: &str) {
    reader.finds(example, &["/70-address runs for events with "]);
    let example = example.replace("10:42", &reader.minute_of_the_last_event());
    reader.finds(&example, &[", ppp ip-up ppp0 (", "    | ppp0 is up, rules unchanged\n"]);
}

fn why_interface(reader: &Reader, example: &str) {
    reader.finds(example, &["eth0 is inside: up with 192.168.7.1/24, no default route.\n"]);
}

fn why_rule(reader: &Reader, example: &str) {
    let parts = [" masquerade comment ", "It is there because ", "eth0: up with "];
    reader.finds(example, &parts);
}

fn hooks(reader: &Reader, example: &str) {
    reader.writes_program("/etc/netcue/hooks.d/75-x.sh", "#!/bin/sh\n");
    let shown = reader.sees(example);
    let of = |name: &str| shown.lines().find(|line| line.contains(name)).expect(name);
    assert!(of("70-address").starts_with("runs "), "{shown}");
    assert!(!of("75-x.sh").starts_with("runs "), "{shown}");
}

fn rules_show(reader: &Reader, example: &str) {
    let shown = reader.sees(example);
    assert!(shown.contains("masquerade comment \"the inside shares the address"), "{shown}");
    for line in shown.lines().filter(|line| line.starts_with("\t\t") && line.contains(" @")) {
        assert!(line.contains(" comment "), "a rule without its reason: {line}");
    }
}

fn rules_diff(reader: &Reader, example: &str) {
    reader.types(example).run();
    reader.scene.nft("flush chain inet netcue postrouting");
    let told = "! chain postrouting has 0 rules instead of 1\n";
    reader.types(example).status(1).stdout(told).run();
    reader.sees("netcue rules apply");
    reader.types(example).run();
}

fn timeline(reader: &Reader, example: &str) {
    reader.sees(example);
    reader.finds("cat boot.svg", &["<svg ", "ppp ip-up ppp0", "70-address", "</svg>"]);
}

fn capture(reader: &Reader, example: &str) {
    reader.link_comes_up();
    reader.sees(example);
    reader.finds("tar tf incident.tar", &["/README\n", "/event.json\n", "/state.json\n"]);
}

fn replay(reader: &Reader, example: &str) {
    reader.changes_nothing(|| {
        let ran = reader.types(example).any_stdout().any_stderr().run();
        for part in ["replay of ", ": handled\n", "  70-address  done\n", "\nrules:\ntable inet"] {
            assert!(ran.stdout.contains(part), "{part:?} in {ran:?}");
        }
    });
}

fn plan(reader: &Reader, example: &str) {
    let parts = ["  run   70-address", "  192.168.7.0/24 leaves by ppp0 as 192.0.2.7\n"];
    reader.changes_nothing(|| reader.finds(example, &parts));
}

fn plan_current(reader: &Reader, example: &str) {
    reader.changes_nothing(|| reader.finds(example, &["  run   50-rules"]));
}

fn plan_last(reader: &Reader, example: &str) {
    reader.link_comes_up();
    let parts = ["ppp ip-up: up ppp0 local 192.0.2.7 remote 192.0.2.1\n", "  run   70-address"];
    reader.changes_nothing(|| reader.finds(example, &parts));
}

fn tries_safely(reader: &Reader, example: &str) {
    reader
        .changes_nothing(|| reader.finds(example, &["ppp ip-up ppp0 done\n", "50-rules  changed"]));
}

fn own_rules(reader: &Reader, example: &str) {
    reader.writes("/etc/mine.nft", "table inet mine\n");
    let hook = format!("#!/bin/sh\n{example} /etc/mine.nft\n");
    reader.writes_program("/etc/netcue/hooks.d/50-rules", &hook);
    reader.link_comes_up();
    assert_eq!(reader.scene.nft("list table inet mine"), "table inet mine {\n}\n");
}
