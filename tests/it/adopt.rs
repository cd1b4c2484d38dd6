//! Scripts that were written for another dispatcher: what they are given, which of a folder's
//! files are run, for which events, and what is on record of them.

use std::collections::{BTreeMap, BTreeSet};

use netcue::event::{Event, Stamp};
use netcue::profiles::{Given, Like, Profile};
use netcue::sources::Reading;

use crate::scene::{Scene, script};
use crate::sources::{Case, cases_of};

/// Nobody's call, at no time.
fn stamp() -> Stamp {
    Stamp {
        id: uuid::Uuid::nil(),
        time: jiff::Timestamp::UNIX_EPOCH,
        boottime_ns: 1,
        boot_id: None,
        ifindex: None,
        cause: None,
    }
}

fn event(reading: Reading) -> Event {
    Event::new(reading.source.name.clone(), reading.facts, stamp())
}

/// What the profile gives for the event of a case, if its dispatcher's scripts are meant.
fn given_again(profile: Profile, case: &Case) -> Option<Given> {
    let reading = case.run().ok()?;
    reading.facts.action.as_ref()?;
    let folder = case.argv0.as_ref().and_then(|argv0| {
        let folder = std::path::Path::new(argv0).parent()?;
        Some(folder.file_name()?.to_str()?.to_owned())
    });
    let mut all = Like { profile, folder }.given(&event(reading)).ok()?;
    assert_eq!(all.len(), 1, "{}", case.path.display());
    all.pop()
}

/// Variables of recorded calls that an event does not hold, and so stay unset.
const NOT_KNOWN: &[(&str, &[&str])] = &[
    ("ppp", &[]),
    (
        "ifupdown",
        &[
            // While they are set, ifup takes the interface to be in its own hands.
            "IFUPDOWN_eth0",
            "IFUPDOWN_eth1",
            "IFUPDOWN_lo",
            "IF_ACCEPT_RA",
            "IF_AUTOCONF",
            "IF_DAD_ATTEMPTS",
            "IF_DAD_INTERVAL",
            "IF_HOSTNAME",
            "IF_PREFERRED_LIFETIME",
        ],
    ),
    (
        "networkmanager",
        &[
            "CONNECTION_DBUS_PATH",
            "CONNECTION_FILENAME",
            "DHCP4_DHCP_CLIENT_IDENTIFIER",
            "DHCP4_EXPIRY",
            "DHCP4_HOST_NAME",
            "DHCP4_NEXT_SERVER",
            "IP4_NUM_ROUTES",
            "IP4_ROUTE_0",
            "IP6_GATEWAY",
            "IP6_NUM_ROUTES",
            "IP6_ROUTE_0",
        ],
    ),
    ("networkd-dispatcher", &[]),
    // What a lease that has ended had been.
    ("dhclient", &["dad_wait_time", "old_*"]),
    ("hotplug.d", &["DEVICENAME", "DEVPATH", "SEQNUM", "SUBSYSTEM"]),
];

/// Cases that are told differently, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("ip-pre-up-demand", "0.0.0.0 is no address yet"),
    ("ip-up-device-in-environment", "the device is in the words, too"),
    ("ip-up-renamed", "IFNAME is the name that the interface has"),
    ("ipv6-down-not-negotiated", "zeros behind fe80:: are no address"),
    ("ipv6-up-noremote", "zeros behind fe80:: are no address, and :0001 is written :1"),
    ("ipv6-up-unspecified", ":: is no address"),
    ("by-networkmanager", "ifupdown has other words than NetworkManager's script for it"),
    ("plain-up", "busybox's word for the phase"),
    ("plain-down", "busybox's word for the phase"),
    ("everything", "the address without its prefix, which stands in IF_NETMASK"),
    ("rfc3442", "who gets classless routes has to ignore the routers"),
    ("degraded-linklocal", "addresses are asked for when the state may be another"),
];

/// The other way round: what is said of an event of its own, a dispatcher had said itself.
#[test]
fn of_its_own_events_a_dispatchers_scripts_hear_what_it_told() {
    let mut wrong = Vec::new();
    let mut compared = BTreeMap::new();
    for profile in Profile::ALL {
        for case in cases_of(profile.source()) {
            let name = case.path.file_name().expect("a name").to_string_lossy().into_owned();
            let Some(given) = given_again(profile, &case) else { continue };
            let is_odd =
                OTHERWISE.iter().any(|(other, _)| name.strip_suffix(".case") == Some(other));
            // A value that failed its check is left out, and the event says so.
            let is_odd = is_odd || case.run().is_ok_and(|read| !read.facts.warnings.is_empty());
            // networkd-dispatcher asks for addresses when it runs a script, which may be later.
            let is_late = |name: &str| matches!(name, "ADDR" | "IP_ADDRS" | "IP6_ADDRS");
            let told: BTreeMap<String, String> = case
                .env
                .iter()
                .map(|(name, value)| {
                    (name.to_string_lossy().into(), value.to_string_lossy().into())
                })
                .collect();
            let ours: BTreeMap<String, String> = given.env.into_iter().collect();
            for (variable, value) in &ours {
                let theirs = told.get(variable).filter(|_| variable != "PATH");
                let is_left_out = value.is_empty() && is_late(variable);
                if theirs.is_some_and(|theirs| theirs != value) && !is_odd && !is_left_out {
                    wrong.push(format!("{profile} {name}: {variable}={value}, not {theirs:?}"));
                }
            }
            let is_whole = name.starts_with("recorded-");
            let lacking: BTreeSet<&String> =
                told.keys().filter(|name| is_whole && !ours.contains_key(*name)).collect();
            let known = NOT_KNOWN.iter().find(|(name, _)| *name == profile.source());
            let known = known.expect("a row").1;
            for variable in lacking {
                let is_known = |known: &&str| match known.strip_suffix('*') {
                    Some(start) => variable.starts_with(start),
                    None => variable == known,
                };
                if !known.iter().any(is_known) && !told[variable].is_empty() {
                    wrong.push(format!("{profile} {name}: {variable} is missing"));
                }
            }
            let mut words: Vec<String> =
                case.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            if profile == Profile::Ppp {
                // Debian's wrapper hands on six words, however many there are.
                words.resize(6, String::new());
            }
            if case.argv0.is_some() && given.words != words && !is_odd {
                wrong.push(format!("{profile} {name}: {:?}, not {words:?}", given.words));
            }
            *compared.entry(profile.as_str()).or_insert(0) += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for profile in Profile::ALL {
        let number = compared.get(profile.as_str()).copied().unwrap_or(0);
        assert!(number >= 3, "{profile}: {number} cases");
    }
}

/// A machine whose ifupdown has these scripts, all of which netcue is to run.
fn with_if_up(config: &str) -> Scene {
    let scene = Scene::new();
    scene.config(&format!(
        "[[adopt]]\nfolder = \"/etc/network/if-up.d\"\nprofile = \"ifupdown\"\n{config}"
    ));
    scene
}

const ENV: &str = "tr '\\0' '\\n' </proc/$$/environ | grep -v ^NETCUE_ | LC_ALL=C sort";

#[test]
fn a_script_of_ifupdown_is_run_for_each_family_as_ifup_would() {
    let scene = with_if_up("");
    let told = format!("{ENV}\necho \"$# $0\"\npwd\numask\nwc -c");
    scene.hook_in("etc/network/if-up.d", "postfix", script(&told), 0o755);
    let facts = r#"{"action": "up", "interface": "wg0", "addresses": ["192.0.2.9/24", "2001:db8::9/64"],
        "gateway": "192.0.2.1", "dns": ["192.0.2.53"], "details": {"mtu": 1420}}"#;
    scene.netcue(["emit", "--json"]).stdin(facts).stdout("ID handled\n").run();
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let end = format!("0 {}/etc/network/if-up.d/postfix\n/\n0022\n0\n", scene.root().display());
    let of = |family: &str, own: &str| {
        format!(
            "ADDRFAM={family}\nIFACE=wg0\n{own}IF_MTU=1420\nIF_NETMASK={}LOGICAL=wg0\nMETHOD=static\n\
             MODE=start\n{path}\nPHASE=post-up\nVERBOSITY=0\n{end}",
            if family == "inet" { "255.255.255.0\n" } else { "64\n" }
        )
    };
    let expected = of(
        "inet",
        "IF_ADDRESS=192.0.2.9\nIF_BROADCAST=192.0.2.255\nIF_DNS_NAMESERVERS=192.0.2.53\n\
         IF_GATEWAY=192.0.2.1\n",
    ) + &of("inet6", "IF_ADDRESS=2001:db8::9\nIF_DNS_NAMESERVERS=192.0.2.53\n");
    assert_eq!(scene.output_of("/etc/network/if-up.d/postfix"), expected);
}

#[test]
fn which_files_of_a_folder_are_run_and_why_not_the_others() {
    let scene = with_if_up("skip = [\"mine\"]\n");
    let folder = "etc/network/if-up.d";
    for (name, mode) in [
        ("backup.dpkg-old", 0o755),
        ("asleep", 0o644),
        ("mine", 0o755),
        ("vlan", 0o755),
        ("open", 0o777),
        ("zebra", 0o755),
        ("apache", 0o755),
    ] {
        scene.hook_in(folder, name, script(":"), mode);
    }
    scene.hook_in("usr/sbin", "netcue", script(":"), 0o755);
    scene.link("etc/network/if-up.d/0000netcue", scene.path("usr/sbin/netcue"));
    scene.hook_in(folder, "calls", script("exec /usr/sbin/netcue from ifupdown up"), 0o755);
    scene.hook("59-before", script(":"));
    scene.hook("61-behind", script(":"));
    let shown = scene
        .netcue(["hooks"])
        .any_stdout()
        .run()
        .stdout
        .replace(&scene.root().display().to_string(), "");
    for line in [
        "asleep: it is not executable, and so ifupdown never ran it",
        "backup.dpkg-old: run-parts never ran it: it passes over names like this",
        "mine: \"skip\" in the configuration names it",
        "vlan: it sets the interface up for ifupdown, which nobody else needs",
        "0000netcue: it leads to netcue",
        "calls: it leads to netcue",
    ] {
        let (name, why) = line.split_once(": ").expect("a name");
        let row = shown.lines().find(|row| row.contains(&format!("/if-up.d/{name}")));
        let row = row.unwrap_or_else(|| panic!("no {name} in {shown}"));
        assert!(row.starts_with("passed-over") && row.contains(why), "{row}");
    }
    scene.netcue(["emit", "--action", "up", "--interface", "wg0"]).any_stdout().any_status().run();
    let plan = &scene.records("run-begin")[0]["plan"];
    let steps: Vec<&str> = plan
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| step["step"].as_str().expect("a name"))
        .collect();
    let folder = "/etc/network/if-up.d";
    assert_eq!(
        steps,
        [
            "50-rules",
            "59-before",
            &format!("{folder}/apache"),
            &format!("{folder}/open"),
            &format!("{folder}/zebra"),
            "61-behind"
        ]
    );
    let refused =
        scene.records("step-end").into_iter().find(|end| end["step"] == format!("{folder}/open"));
    let reason = refused.expect("an end")["failed"].to_string();
    assert!(reason.contains("world-writable"), "{reason}");
}

#[test]
fn what_its_own_dispatcher_runs_is_not_run_twice() {
    let scene = with_if_up("not-from = [\"ifupdown\", \"dhclient\"]\n");
    let ran = scene.path("ran");
    let text = script(&format!("echo \"$METHOD\" >>{}", ran.display()));
    scene.hook_in("etc/network/if-up.d", "a", text, 0o755);
    let ifup = "IFACE=eth0 LOGICAL=eth0 ADDRFAM=inet METHOD=static MODE=start PHASE=post-up";
    let mut call = scene.calling("ifupdown up");
    for variable in ifup.split(' ') {
        let (name, value) = variable.split_once('=').expect("NAME=VALUE");
        call = call.env(name, value);
    }
    call.run();
    scene.calling("dhclient BOUND").env("interface", "eth0").env("reason", "BOUND").run();
    scene.settled();
    assert_eq!(scene.text("ran"), "");
    let reasons: Vec<String> = scene
        .records("run-begin")
        .iter()
        .flat_map(|begin| begin["plan"].as_array().expect("steps").clone())
        .filter(|step| step["step"] == "/etc/network/if-up.d/a")
        .map(|step| step["skipped"].to_string())
        .collect();
    let reason =
        |source: &str| format!("{{\"kind\":\"left-to-dispatcher\",\"source\":\"{source}\"}}");
    assert_eq!(reasons, [reason("ifupdown"), reason("dhclient")]);
    // pppd's link is none of ifup's.
    scene.ip_up();
    assert_eq!(scene.text("ran"), "ppp\n");
    // Nor is what happens on the way down the folder's business.
    scene.netcue(["emit", "--action", "down", "--interface", "ppp0"]).any_stdout().run();
    assert_eq!(scene.text("ran"), "ppp\n");
}

#[test]
fn a_hook_of_ones_own_may_be_written_like_one_of_pppds() {
    let scene = Scene::new();
    let told = format!("# netcue: like=ppp action=up\nshift 6 && echo \"$#\"\n{ENV}");
    scene.hook("70-a", script(&told));
    let emit = ["emit", "--action", "up", "--interface", "wg0", "--local", "192.0.2.1"];
    scene.netcue(emit).words(["--dns", "192.0.2.53"]).stdout("ID handled\n").run();
    let expected = "0\nDNS1=192.0.2.53\nIFNAME=wg0\nIPLOCAL=192.0.2.1\n\
        PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin\n\
        PPP_IFACE=wg0\nPPP_IPPARAM=\nPPP_LOCAL=192.0.2.1\nPPP_REMOTE=\nPPP_SPEED=0\nPPP_TTY=\n\
        PPP_TTYNAME=\nUSEPEERDNS=1\n";
    assert_eq!(scene.output_of("70-a"), expected);
    scene.hook("80-b", script("# netcue: like=pppd"));
    scene.netcue(emit).any_stdout().any_status().run();
    let ends = scene.records("step-end");
    let reason = ends.last().expect("an end")["failed"].to_string();
    assert!(
        reason.contains(
            "like=pppd: wanted is one of ppp ifupdown networkmanager networkd dhclient hotplug"
        ),
        "{reason}"
    );
}

#[test]
fn a_hook_of_dhclients_is_sourced_in_a_shell_of_its_own() {
    let scene = Scene::new();
    scene.config(
        "[[adopt]]\nfolder = \"/etc/dhcp/dhclient-exit-hooks.d\"\nprofile = \"dhclient\"\n",
    );
    // Neither executable nor a program.
    let hook = "case $reason in BOUND|BOUND6) ;; *) return ;; esac\n\
                echo \"$0 $# $script $interface $new_ip_address/$new_subnet_mask $new_routers\"\n\
                echo \"$new_broadcast_address $new_domain_name_servers\"\nexit_status=3\n";
    scene.hook_in("etc/dhcp/dhclient-exit-hooks.d", "chrony", hook, 0o644);
    let emit =
        ["emit", "--action", "up", "--interface", "wg0", "--local", "192.0.2.9", "--prefix", "24"];
    let mut call = scene.netcue(emit).words(["--gateway", "192.0.2.1", "--dns", "192.0.2.53"]);
    call = call.any_stdout().any_status();
    call.run();
    let name = "/etc/dhcp/dhclient-exit-hooks.d/chrony";
    let path = format!("{}{name}", scene.root().display());
    let expected = format!(
        "/sbin/dhclient-script 1 {path} wg0 192.0.2.9/255.255.255.0 192.0.2.1\n192.0.2.255 192.0.2.53\n"
    );
    assert_eq!(scene.output_of(name), expected);
    assert_eq!(scene.records("step-end").last().expect("an end")["status"], 3);
    // Who else could write to it could have root run it.
    scene.chmod("etc/dhcp/dhclient-exit-hooks.d/chrony", 0o666);
    scene.netcue(emit).any_stdout().any_status().run();
    let ends = scene.records("step-end");
    let reason = ends.last().expect("an end")["failed"].to_string();
    assert!(reason.contains("world-writable"), "{reason}");
}

/// A folder with one script that is run and one that is not.
fn with_scripts() -> Scene {
    let scene = Scene::new();
    scene.hook_in("etc/network/if-up.d", "postfix", script(":"), 0o755);
    scene.hook_in("etc/network/if-up.d", "vlan", script(":"), 0o755);
    scene
}

#[test]
fn a_folder_is_adopted_and_given_back_to_the_byte() {
    let scene = with_scripts();
    scene.config("strict = false\n");
    scene.hook_in("usr/lib/ifupdown", "wait-online.sh", script(":"), 0o755);
    scene.hook_in("etc/NetworkManager/dispatcher.d", "01-ifupdown", script(":"), 0o755);
    scene.hook_in("usr/sbin", "NetworkManager", script(":"), 0o755);
    let adopt = |words: &[&str]| {
        let call = scene.netcue(["adopt"]).words(words).any_stdout();
        call.run().stdout.replace(&scene.root().display().to_string(), "")
    };
    let told = adopt(&["/etc/network/if-up.d", "--dry-run"]);
    for line in [
        "runs         postfix  action=up like=ifupdown",
        "passed-over  vlan     it sets the interface up for ifupdown, which nobody else needs",
        "adopt: would write /etc/netcue/netcue.conf",
    ] {
        assert!(told.contains(line), "{line:?} is not in {told}");
    }
    assert_eq!(scene.text("etc/netcue/netcue.conf"), "strict = false\n");
    adopt(&["/etc/network/if-up.d/"]);
    let table = "strict = false\n# netcue begin\n[[adopt]]\nfolder = \"/etc/network/if-up.d\"\n\
                 profile = \"ifupdown\"\non = [\"up\"]\nnot-from = [\"ifupdown\", \"networkmanager\"]\n\
                 # netcue end\n";
    assert_eq!(scene.text("etc/netcue/netcue.conf"), table);
    assert!(adopt(&["/etc/network/if-up.d"]).contains("already so"));
    scene.netcue(["emit", "--action", "up", "--interface", "wg0"]).stdout("ID handled\n").run();
    assert_eq!(scene.end_of("/etc/network/if-up.d/postfix")["outcome"], "done");
    // By the name of the file alone, it is found as well.
    scene.netcue(["why", "postfix"]).stdout_has("/etc/network/if-up.d/postfix").run();
    adopt(&["--undo", "/etc/network/if-up.d"]);
    assert_eq!(scene.text("etc/netcue/netcue.conf"), "strict = false\n");
}

#[test]
fn what_is_not_known_of_a_folder_is_asked_for() {
    let scene = with_scripts();
    scene.hook_in("srv/scripts", "a", script(":"), 0o755);
    for (words, status, said) in [
        ("/srv/scripts", 64, "whose scripts are in /srv/scripts? say it with --profile"),
        (
            "/srv/scripts --profile ppp",
            64,
            "for which actions would ppp run what is in /srv/scripts? say it with --on",
        ),
        ("/srv/none", 74, "there is no folder /srv/none"),
        ("/srv/scripts --profile pppd", 64, "wanted is one of ppp ifupdown networkmanager"),
    ] {
        scene.netcue(["adopt"]).words(words.split(' ')).status(status).stderr_has(said).run();
    }
    let words = ["/srv/scripts", "--profile", "ppp", "--on", "up,down"];
    scene.netcue(["adopt"]).words(words).any_stdout().run();
    scene.netcue(["emit", "--action", "up", "--interface", "wg0"]).stdout("ID handled\n").run();
    assert_eq!(scene.end_of("/srv/scripts/a")["outcome"], "done");
    scene.netcue(["adopt", "--undo", "/srv/scripts"]).any_stdout().run();
    assert!(!scene.path("etc/netcue/netcue.conf").exists());
}

fn given(profile: Profile, source: &str, facts: &str) -> BTreeMap<String, String> {
    let facts = serde_json::from_str(facts).expect("facts");
    let event = Event::new(source.parse().expect("a name"), facts, stamp());
    let mut all = Like { profile, folder: None }.given(&event).expect("it is told");
    all.remove(0).env.into_iter().collect()
}

/// Each of these was seen with the scripts of a package.
#[test]
fn what_another_source_tells_is_not_taken_for_the_dispatchers_own() {
    let ppp = r#"{"action": "up", "interface": "ppp0", "details": {"device": "/dev/ttyS0"}}"#;
    let told = given(Profile::Networkmanager, "ppp", ppp);
    assert_eq!(told["DEVICE_IFACE"], "ppp0", "the modem is no interface");
    let down = r#"{"action": "down", "interface": "wg0", "local": "192.0.2.1"}"#;
    let told = given(Profile::Networkd, "wg-quick", down);
    assert_eq!((told["ADDR"].as_str(), told["IP_ADDRS"].as_str()), ("", ""), "it is gone");
    let about = r#"{"action": "pre-up", "interface": "wg0", "local": "192.0.2.1"}"#;
    let told = given(Profile::Dhclient, "wg-quick", about);
    assert_eq!(told["reason"], "PREINIT");
    assert!(!told.contains_key("new_ip_address"), "there is no lease yet: {told:?}");
    let injected = r#"{"action": "up", "interface": "wg0", "local": "192.0.2.1",
        "details": {"domain": "x$(reboot)", "host_name": "gate"}}"#;
    let told = given(Profile::Dhclient, "udhcpc", injected);
    assert!(!told.contains_key("new_domain_name"), "dhclient lets no such name through: {told:?}");
    assert_eq!(told["new_host_name"], "gate");
}

#[test]
fn what_is_put_in_place_for_netcue_itself_makes_no_event_of_an_event() {
    let scene = Scene::new();
    let folder = "etc/dhcp/dhclient-exit-hooks.d";
    scene.config(
        "[[adopt]]\nfolder = \"/etc/dhcp/dhclient-exit-hooks.d\"\nprofile = \"dhclient\"\n",
    );
    scene.hook_in(
        folder,
        "zz-netcue",
        include_str!("../../integrations/dhclient/zz-netcue"),
        0o644,
    );
    scene.hook_in(
        folder,
        "of-ones-own",
        "/usr/sbin/netcue from dhclient \"$reason\" || :\n",
        0o644,
    );
    let shown = scene.netcue(["hooks"]).any_stdout().run().stdout;
    let rows = shown.lines().filter(|row| row.starts_with("passed-over"));
    assert_eq!(rows.filter(|row| row.contains("it leads to netcue")).count(), 2, "{shown}");
}
