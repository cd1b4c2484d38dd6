//! A fleet: many gateways hand on what has ended through one broker to one collector, and all
//! of them are killed at it. `make fleet` takes ten thousand gateways, other tests a sample.

mod center;
mod gateway;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use center::Center;
use gateway::{Gateway, ROUNDS, repository, size};

use crate::scene::{Scene, run, wait_until, write_file};
use crate::server::Server;

/// How many gateways are at work at once.
const AT_ONCE: usize = 16;

/// What one gateway has told according to the database.
#[derive(Default)]
struct Told {
    lines: usize,
    gaps: usize,
    failures: usize,
    /// The numbers of its events, in the order of their sequence.
    events: Vec<usize>,
}

/// What came of a run.
struct Figures {
    shipments: usize,
    shippers_killed: usize,
    emitting: Duration,
    shipping: Duration,
}

/// Has all gateways hand on their news, round after round, while shippers, broker and
/// collector are killed.
fn run_fleet(gateways: usize, center: &mut Center, command: &str) -> Figures {
    let total = gateways * ROUNDS;
    let (done, killed, tries) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let (over, mut emitting, mut shipping) =
        (AtomicBool::new(false), Duration::ZERO, Duration::ZERO);
    std::thread::scope(|scope| {
        let (done, killed, tries, over) = (&done, &killed, &tries, &over);
        scope.spawn(move || {
            let (mut next_broker, mut next_collector) = (total / 5, total / 4);
            while !over.load(Ordering::Relaxed) {
                let now = done.load(Ordering::Relaxed);
                if now >= next_broker {
                    center.kill_broker();
                    next_broker += total / 5;
                }
                if now >= next_collector {
                    center.kill_collector();
                    next_collector += total / 4;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        for round in 0..ROUNDS {
            let begun = Instant::now();
            let next = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        // Each gateway has rules of its own.
                        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
                        run("ip", ["link", "set", "lo", "up"]);
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= gateways {
                                break;
                            }
                            Gateway(number).has_news(round);
                        }
                    });
                }
            });
            emitting += begun.elapsed();
            let begun = Instant::now();
            let (again, waiting) = mpsc::channel();
            (0..gateways).for_each(|number| again.send(number).expect("a channel"));
            let waiting = Mutex::new(waiting);
            let goal = (round + 1) * gateways;
            std::thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    let (again, waiting) = (again.clone(), &waiting);
                    scope.spawn(move || {
                        while done.load(Ordering::Relaxed) < goal {
                            let number = waiting.lock().expect("a lock").try_recv();
                            let Ok(number) = number else {
                                std::thread::sleep(Duration::from_millis(5));
                                continue;
                            };
                            let turn = tries.fetch_add(1, Ordering::Relaxed);
                            if ships(Gateway(number), command, turn, killed) {
                                done.fetch_add(1, Ordering::Relaxed);
                            } else {
                                again.send(number).expect("a channel");
                            }
                        }
                    });
                }
            });
            shipping += begun.elapsed();
        }
        over.store(true, Ordering::Relaxed);
    });
    let (shipments, shippers_killed) = (tries.into_inner(), killed.into_inner());
    Figures { shipments, shippers_killed, emitting, shipping }
}

/// Whether one try has handed on all. Some are killed at it, with their client or without.
fn ships(gateway: Gateway, command: &str, turn: usize, killed: &AtomicUsize) -> bool {
    let mut ship = gateway.shipping(command).spawn().expect("netcue");
    if turn % 10 == 0 {
        std::thread::sleep(Duration::from_millis(turn as u64 / 10 * 7 % 40));
        if ship.try_wait().expect("its state").is_none() {
            let pid = Pid::from_raw(ship.id().try_into().expect("a number"));
            if turn % 20 == 0 {
                let _ = killpg(pid, Signal::SIGKILL);
            } else {
                let _ = kill(pid, Signal::SIGKILL);
            }
            killed.fetch_add(1, Ordering::Relaxed);
        }
    }
    let is_done = ship.wait().expect("its end").success();
    if !is_done {
        // As a timer would: not at once.
        std::thread::sleep(Duration::from_millis(50));
    }
    is_done
}

/// The database by gateway, and how many lines came more than once.
fn in_the_database() -> (BTreeMap<String, Told>, usize) {
    let script = "
import sqlite3
rows = sqlite3.connect('/srv/fleet.db').execute('''
    SELECT machine, type, coalesce(subject, '-'), times FROM events ORDER BY machine, sequence''')
for row in rows:
    print(*row)
assert not list(sqlite3.connect('/srv/fleet.db').execute('SELECT * FROM refused'))
";
    let mut fleet: BTreeMap<String, Told> = BTreeMap::new();
    let mut repeated = 0;
    for line in run("/usr/bin/python3", ["-c", script]).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [machine, kind, subject, times] = words[..] else { panic!("{line}") };
        let told = fleet.entry(machine.to_owned()).or_default();
        told.lines += 1;
        told.gaps += usize::from(kind == "netcue.gap");
        told.failures += usize::from(kind == "netcue.event.failed");
        repeated += times.parse::<usize>().expect("a number") - 1;
        if let Some((_, number)) = subject.split_once('e') {
            told.events.push(number.parse().expect("a number"));
        }
    }
    (fleet, repeated)
}

/// The gateways by the names under which they tell.
fn machines(gateways: usize) -> BTreeMap<String, Gateway> {
    let script = "
import hmac, sys, uuid
application = uuid.UUID('6e65746375654d0a9b1f27c458e03d61').bytes
for number in range(int(sys.argv[1])):
    code = bytearray(hmac.digest((number + 1).to_bytes(16, 'big'), application, 'sha256')[:16])
    code[6] = code[6] & 0x0f | 0x40
    code[8] = code[8] & 0x3f | 0x80
    print(code.hex())
";
    let said = run("/usr/bin/python3", ["-c", script, &gateways.to_string()]);
    said.lines().map(ToOwned::to_owned).zip((0..).map(Gateway)).collect()
}

/// A scene in which all that a fleet needs has room, with its gateways.
fn scene(gateways: usize, command: &Path) -> Scene {
    let scene = Scene::on_this_machine();
    run("mount", ["-t", "tmpfs", "-o", "mode=0755", "none", "/srv"]);
    write_file(Path::new("/srv/fails"), b"#!/bin/sh\necho no\nexit 1\n", 0o755);
    // A patience for a test: an answer that a killed collector owed never comes.
    let text = fs::read_to_string(command).expect("a ready file").replace("-W 60", "-W 2");
    write_file(Path::new("/srv/ship"), text.as_bytes(), 0o755);
    (0..gateways).for_each(|number| Gateway(number).make());
    scene
}

fn say(gateways: usize, center: &Center, figures: &Figures, lines: usize, repeated: usize) {
    let Figures { shipments, shippers_killed, emitting, shipping } = figures;
    println!(
        "{gateways} gateways, {shipments} shipments; killed: {shippers_killed} shippers, \
         {} times the broker, {} times the collector",
        center.killed[0], center.killed[1]
    );
    println!(
        "{lines} lines in the database, {repeated} came again; made in {:.0} s, handed on in \
         {:.0} s: {} lines a second",
        emitting.as_secs_f64(),
        shipping.as_secs_f64(),
        (lines + repeated) * 1000 / usize::try_from(shipping.as_millis()).expect("a number").max(1)
    );
    println!("most memory: broker {} KiB, collector {} KiB", center.most[0], center.most[1]);
}

#[test]
fn every_event_of_every_gateway_arrives_though_all_are_killed() {
    let gateways = size(50);
    let _scene = scene(gateways, &repository("integrations/fleet/fleet"));
    let mut center = Center::new("user root\nlistener 1883 127.0.0.1\nallow_anonymous true\n");
    let figures = run_fleet(gateways, &mut center, "/srv/ship");
    center.weigh();
    let (fleet, repeated) = in_the_database();
    let machines = machines(gateways);
    let page = run(
        "/usr/bin/python3",
        [repository("integrations/fleet/page").display().to_string(), "/srv/fleet.db".to_owned()],
    );
    let lines = fleet.values().map(|told| told.lines).sum();
    say(gateways, &center, &figures, lines, repeated);
    assert!(figures.shippers_killed > 0 && center.killed.iter().all(|times| *times >= 3));
    assert_eq!(fleet.keys().collect::<Vec<_>>(), machines.keys().collect::<Vec<_>>());
    let mut gaps = 0;
    for (machine, gateway) in machines {
        let told = &fleet[&machine];
        let events = told.events.iter().copied().collect::<BTreeSet<_>>();
        assert!(told.events.is_sorted(), "{}: {:?}", gateway.0, told.events);
        assert_eq!(told.gaps, usize::from(gateway.forgets()), "{}: {events:?}", gateway.0);
        if gateway.forgets() {
            gaps += 1;
            assert!(events.len() < gateway.events(), "nothing was rotated away");
            assert!(events.contains(&(gateway.events() - 1)), "{}: {events:?}", gateway.0);
        } else {
            assert_eq!(events, (0..gateway.events()).collect(), "of gateway {}", gateway.0);
            assert!(gateway.root().join("var/log/netcue/journal.jsonl.1").exists());
        }
        let failures = if gateway.fails() { events.len() } else { 0 };
        assert_eq!(told.failures, failures, "of gateway {}", gateway.0);
        let shown: String = [told.lines, failures, told.gaps]
            .map(|number| format!("<td class=\"number\">{number}</td>"))
            .concat();
        assert!(page.contains(&format!("<td>{machine}</td>{shown}")), "{machine} {shown}");
    }
    println!("nothing lost; {gaps} gaps, each told");
}

/// With the broker's settings as they are shipped: TLS, passwords, and who may do what.
#[test]
fn a_gateway_can_tell_only_of_itself() {
    let _scene = scene(2, &repository("integrations/fleet/fleet"));
    let names: Vec<String> = {
        let mut names: Vec<_> = machines(2).into_iter().collect();
        names.sort_by_key(|(_, gateway)| gateway.0);
        names.into_iter().map(|(name, _)| name).collect()
    };
    fs::create_dir_all("/etc/mosquitto/certs").expect("a folder");
    fs::create_dir_all("/srv/home/.config").expect("a folder");
    let openssl = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext \
                   subjectAltName=DNS:localhost -keyout /etc/mosquitto/certs/broker.key \
                   -out /etc/mosquitto/certs/broker.pem";
    run("openssl", openssl.split_whitespace());
    let passwords = "/etc/mosquitto/netcue.passwords";
    run("mosquitto_passwd", ["-b", "-c", passwords, "collector", "secret"]);
    run("mosquitto_passwd", ["-b", passwords, &names[0], "secret"]);
    let shipped = |file: &str| {
        fs::read_to_string(repository("integrations/fleet").join(file)).expect("a ready file")
    };
    fs::write("/etc/mosquitto/netcue.acl", shipped("mosquitto.acl")).expect("rights");
    let settings = shipped("mosquitto.conf").replace("listener 8883", "listener 8883 127.0.0.1");
    fs::write("/srv/mosquitto.conf", format!("user root\n{settings}")).expect("settings");
    let _broker = Server::start("/srv/log", "mosquitto", &["-c", "/srv/mosquitto.conf"]);
    let log = || fs::read_to_string("/srv/log").expect("a log");
    wait_until("the broker", || log().contains("running"));
    fs::write("/srv/password", "secret\n").expect("a password");
    let collect = repository("integrations/fleet/collect").display().to_string();
    let words = format!(
        "{collect} --host localhost --port 8883 --cafile /etc/mosquitto/certs/broker.pem \
         --username collector --password-file /srv/password /srv/fleet.db"
    );
    let words: Vec<&str> = words.split(' ').collect();
    let _collector = Server::start("/srv/collect.log", "/usr/bin/python3", &words);
    let client = format!(
        "-h localhost\n-p 8883\n--cafile /etc/mosquitto/certs/broker.pem\n-u {}\n-P secret\n",
        names[0]
    );
    for program in ["mosquitto_pub", "mosquitto_rr"] {
        fs::write(format!("/srv/home/.config/{program}"), &client).expect("settings");
    }
    (0..2).for_each(|number| Gateway(number).has_news(0));
    let ships = |number: usize| Gateway(number).shipping("/srv/ship").status().expect("netcue");
    wait_until("the first gateway's events to be taken", || ships(0).success());
    // Another's topic, and another's events on its own.
    assert_eq!(ships(1).code(), Some(75));
    let own_topic = format!("NETCUE_MACHINE={} exec /srv/ship", names[0]);
    let mut lie = Gateway(1).netcue();
    lie.args(["ship", "--cursor", "lie", "--", "sh", "-c", &own_topic]).env("HOME", "/srv/home");
    assert!(lie.status().expect("netcue").success());
    let script = "
import sqlite3
database = sqlite3.connect('/srv/fleet.db')
print(*(row[0] for row in database.execute('SELECT DISTINCT machine FROM events')))
print(*(row[0] for row in database.execute('SELECT DISTINCT problem FROM refused')))
";
    let said = run("/usr/bin/python3", ["-c", script]);
    assert_eq!(said, format!("{0}\n'of {1}, handed on by {0}'\n", names[0], names[1]));
}

/// The usual hand-over, in which the word of the broker counts, with all that it has for keeping
/// what it took. What a kill may cost is printed; once it is handed on anew, everything is there.
#[test]
fn what_a_killed_broker_has_lost_comes_when_the_cursor_begins_anew() {
    let gateways = size(50) / 5;
    let _scene = scene(gateways, &repository("integrations/ship/mosquitto"));
    let mut center = Center::new(
        "user root\nlistener 1883 127.0.0.1\nallow_anonymous true\npersistence true\n\
         persistence_location /srv/\nautosave_on_changes true\nautosave_interval 1\n\
         max_queued_messages 0\n",
    );
    let figures = run_fleet(gateways, &mut center, "/srv/ship");
    center.weigh();
    // What the collector still gets it gets while more comes.
    let arrived = || {
        let (fleet, repeated) = in_the_database();
        fleet.values().map(|told| told.lines).sum::<usize>() + repeated
    };
    let mut before = 0;
    loop {
        let now = arrived();
        if now == before {
            break;
        }
        before = now;
        std::thread::sleep(Duration::from_secs(3));
    }
    let (fleet, repeated) = in_the_database();
    say(gateways, &center, &figures, fleet.values().map(|told| told.lines).sum(), repeated);
    let of_all = |number: usize| Gateway(number).events();
    let expected: usize = (0..gateways).filter(|n| !Gateway(*n).forgets()).map(of_all).sum();
    let machines = machines(gateways);
    let is_there = || -> usize {
        let (fleet, _) = in_the_database();
        let told = fleet.iter().filter(|(machine, _)| !machines[*machine].forgets());
        told.map(|(_, told)| told.events.len()).sum()
    };
    println!("the broker's word: {} of {expected} events lost", expected - is_there());
    for number in 0..gateways {
        let reset = ["ship", "--cursor", "fleet", "--reset"];
        assert!(Gateway(number).netcue().args(reset).status().expect("netcue").success());
        let ship = || Gateway(number).shipping("/srv/ship").status().expect("netcue").success();
        wait_until("the broker to take all", ship);
    }
    wait_until("all events", || is_there() == expected);
}
