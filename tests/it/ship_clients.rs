//! The ready files in integrations/ship, each with the real client and a real server.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::scene::{Scene, run, wait_until, write_file};
use crate::server::Server;

/// This machine, with one of the ready files where its administrator puts it.
fn scene(name: &str) -> Scene {
    let scene = Scene::on_this_machine();
    scene.lay_over("/var/lib").lay_over("/var/spool").lay_over("/srv");
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/ship").join(name);
    let text = fs::read(&ready).expect("a ready file");
    write_file(Path::new("/etc/netcue/ship.d").join(name).as_path(), &text, 0o755);
    fs::create_dir_all("/srv/home/.config").expect("a home");
    scene
}

fn emit(scene: &Scene, number: usize) {
    let interface = format!("eth{number}");
    let words = ["emit", "--action", "up", "--interface", &interface];
    scene.netcue(words).any_stdout().run();
}

/// Hands on, and gives back the exit status.
fn ship(scene: &Scene, name: &str) -> i32 {
    let command = format!("/etc/netcue/ship.d/{name}");
    let call = scene.netcue(["ship", "--cursor", name, "--", &command]);
    let call = call.env("PATH", "/usr/bin:/bin").env("HOME", "/srv/home");
    call.any_stdout().any_stderr().any_status().run().status
}

fn ships(scene: &Scene, name: &str) {
    wait_until("the server to take what is handed on", || ship(scene, name) == 0);
}

/// The interfaces of the events in some text, a JSON object in each line.
fn subjects(text: &str) -> BTreeSet<String> {
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter_map(|event| Some(event.get("subject")?.as_str()?.to_owned())).collect()
}

fn interfaces(number: usize) -> BTreeSet<String> {
    (0..number).map(|number| format!("eth{number}")).collect()
}

#[test]
fn a_broker_for_mqtt_gets_all_by_tls_and_password_though_it_is_killed() {
    let scene = scene("mosquitto");
    let openssl = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext \
                   subjectAltName=DNS:localhost -keyout /srv/key -out /srv/cert";
    run("openssl", openssl.split_whitespace());
    run("mosquitto_passwd", ["-b", "-c", "/srv/passwords", "gateway", "secret"]);
    fs::write(
        "/srv/mosquitto.conf",
        "user root\nlistener 8883 127.0.0.1\ncertfile /srv/cert\nkeyfile /srv/key\n\
         allow_anonymous false\npassword_file /srv/passwords\npersistence true\n\
         persistence_location /srv/\n",
    )
    .expect("settings");
    let client = "-h localhost\n-p 8883\n--cafile /srv/cert\n-u gateway\n-P ";
    let settings = "/srv/home/.config/mosquitto_pub";
    fs::write(settings, format!("{client}wrong\n")).expect("settings");
    emit(&scene, 0);
    assert_eq!(ship(&scene, "mosquitto"), 75, "no broker is there");
    let log = || fs::read_to_string("/srv/log").unwrap();
    let broker = || {
        let broker = Server::start("/srv/log", "mosquitto", &["-c", "/srv/mosquitto.conf"]);
        wait_until("the broker", || log().contains("running"));
        broker
    };
    let first = broker();
    assert_eq!(ship(&scene, "mosquitto"), 75, "the password is wrong");
    fs::write(settings, format!("{client}secret\n")).expect("settings");
    let subscriber = "-V 5 -q 1 -c -i sink -x 3600 -h localhost -p 8883 --cafile /srv/cert -u gateway \
                      -P secret -t netcue/#";
    let words: Vec<&str> = subscriber.split_whitespace().collect();
    // One ends when its connection is lost, and leaves what it has.
    let subscriber = |file: &str| {
        let subscriber = Server::start(file, "mosquitto_sub", &words);
        wait_until("the subscription", || log().contains("as sink"));
        subscriber
    };
    let has = |number: usize| {
        wait_until("the subscriber to have it", || {
            let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
            subjects(&(read("/srv/received1") + &read("/srv/received2"))) == interfaces(number)
        });
    };
    let _first = subscriber("/srv/received1");
    ships(&scene, "mosquitto");
    has(1);
    first.kill();
    emit(&scene, 1);
    assert_eq!(ship(&scene, "mosquitto"), 75, "the broker was killed");
    let _second = broker();
    let _subscriber = subscriber("/srv/received2");
    ships(&scene, "mosquitto");
    has(2);
}

/// No package of Kafka's own broker is to be had; the one inside librdkafka, which its
/// authors test with, speaks the same protocol.
#[test]
fn a_broker_for_kafka_gets_all() {
    let scene = scene("kcat");
    let broker = "
import time
from confluent_kafka import Producer
producer = Producer({'test.mock.num.brokers': 1, 'bootstrap.servers': 'mock'})
broker = next(iter(producer.list_topics(timeout=30).brokers.values()))
print(f'bootstrap.servers={broker.host}:{broker.port}', flush=True)
time.sleep(600)
";
    emit(&scene, 0);
    fs::write("/etc/kcat.conf", "bootstrap.servers=127.0.0.1:1\n").expect("settings");
    assert_eq!(ship(&scene, "kcat"), 75, "no broker is there");
    let _broker = Server::start("/srv/broker", "/usr/bin/python3", &["-c", broker]);
    let settings = || {
        let said = fs::read_to_string("/srv/broker").unwrap();
        said.lines().find(|line| line.starts_with("bootstrap")).map(ToOwned::to_owned)
    };
    wait_until("the broker", || settings().is_some());
    fs::write("/etc/kcat.conf", settings().unwrap() + "\n").expect("settings");
    emit(&scene, 1);
    ships(&scene, "kcat");
    let read = "-F /etc/kcat.conf -C -t netcue -e -q -o beginning";
    assert_eq!(subjects(&run("kcat", read.split_whitespace())), interfaces(2));
}

#[test]
fn an_http_endpoint_gets_all_but_what_it_refuses() {
    let scene = scene("http");
    let server = "
import http.server, os
class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        if os.path.exists('/srv/refuse'):
            return self.send_error(503)
        with open('/srv/received', 'ab') as out:
            out.write(body)
        self.send_response(204)
        self.end_headers()
server = http.server.HTTPServer(('127.0.0.1', 8080), Sink)
print('ready', flush=True)
server.serve_forever()
";
    fs::write("/etc/netcue/ship.curlrc", "url = \"http://127.0.0.1:8080/\"\n").expect("settings");
    emit(&scene, 0);
    assert_eq!(ship(&scene, "http"), 75, "nobody listens");
    fs::write("/srv/refuse", "").expect("a file");
    let _server = Server::start("/srv/log", "/usr/bin/python3", &["-c", server]);
    wait_until("the server", || fs::read_to_string("/srv/log").unwrap().contains("ready"));
    assert_eq!(ship(&scene, "http"), 75, "it was refused");
    fs::remove_file("/srv/refuse").expect("the file");
    emit(&scene, 1);
    ships(&scene, "http");
    assert_eq!(subjects(&fs::read_to_string("/srv/received").unwrap()), interfaces(2));
}

/// NATS keeps what comes by MQTT in a stream of its own on disk.
#[test]
fn nats_gets_all_by_mqtt() {
    let scene = scene("mosquitto");
    fs::write(
        "/srv/nats.conf",
        "server_name: one\nhost: 127.0.0.1\nport: 4222\njetstream { store_dir: /srv/nats }\n\
         mqtt { host: 127.0.0.1, port: 1883 }\n",
    )
    .expect("settings");
    // It speaks version 3.1.1 only; the last word of an option wins.
    let settings = "/srv/home/.config/mosquitto_pub";
    fs::write(settings, "-h 127.0.0.1\n-p 1883\n").expect("settings");
    let ready = Path::new("/etc/netcue/ship.d/mosquitto");
    let text = fs::read_to_string(ready).expect("the file").replace("-V 5", "-V 311");
    write_file(ready, text.as_bytes(), 0o755);
    let server = || Server::start("/srv/log", "nats-server", &["-c", "/srv/nats.conf"]);
    let is_up = || {
        wait_until("the server", || fs::read_to_string("/srv/log").unwrap().contains("ready"));
    };
    let first = server();
    is_up();
    let subscribed = "-V 311 -q 1 -c -i sink -h 127.0.0.1 -p 1883 -t netcue/#";
    // A subscription that outlives its subscriber: what comes meanwhile is kept for it.
    run("mosquitto_sub", subscribed.split_whitespace().chain(["-E"]));
    emit(&scene, 0);
    ships(&scene, "mosquitto");
    first.kill();
    emit(&scene, 1);
    assert_eq!(ship(&scene, "mosquitto"), 75, "the server was killed");
    let _second = server();
    is_up();
    ships(&scene, "mosquitto");
    let words: Vec<&str> = subscribed.split_whitespace().collect();
    let _subscriber = Server::start("/srv/received", "mosquitto_sub", &words);
    wait_until("the subscriber to have all", || {
        subjects(&fs::read_to_string("/srv/received").unwrap()) == interfaces(2)
    });
}

#[test]
fn rsyslog_in_the_form_shown_loses_no_record_when_it_is_killed_or_away() {
    let scene = scene("http");
    scene.config("[journal]\nsize = 65536\nkeep = 9\n");
    let shown = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations/ship/rsyslog.conf");
    let shown = fs::read_to_string(shown).expect("the file");
    let shown = shown.replace("collector.example.org", "127.0.0.1");
    fs::create_dir_all("/var/spool/rsyslog").expect("a folder");
    fs::write("/srv/sender.conf", format!("global(workDirectory=\"/var/spool/rsyslog\")\n{shown}"))
        .expect("settings");
    fs::write(
        "/srv/receiver.conf",
        "global(workDirectory=\"/srv\" maxMessageSize=\"256k\")\nmodule(load=\"imrelp\")\n\
         input(type=\"imrelp\" address=\"127.0.0.1\" port=\"2514\" ruleset=\"in\")\n\
         template(name=\"line\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         ruleset(name=\"in\") { action(type=\"omfile\" file=\"/srv/received\" template=\"line\") }\n",
    )
    .expect("settings");
    let rsyslog = |name: &str| {
        let (conf, pid) = (format!("/srv/{name}.conf"), format!("/srv/{name}.pid"));
        Server::start(&format!("/srv/{name}.log"), "rsyslogd", &["-n", "-f", &conf, "-i", &pid])
    };
    let _receiver = rsyslog("receiver");
    let received = || fs::read_to_string("/srv/received").unwrap_or_default();
    let mut number = 0;
    for _ in 0..4 {
        let before = received().len();
        let sender = rsyslog("sender");
        for _ in 0..10 {
            emit(&scene, number);
            number += 1;
        }
        wait_until("something to arrive", || received().len() > before);
        sender.kill();
        // While it is away, the file is rotated.
        for _ in 0..40 {
            emit(&scene, number);
            number += 1;
        }
    }
    assert!(scene.names_in("var/log/netcue").len() > 2, "nothing was rotated");
    let _sender = rsyslog("sender");
    let accepted = scene.records("accepted");
    let ids: Vec<&str> = accepted.iter().filter_map(|record| record["event_id"].as_str()).collect();
    wait_until("all records to arrive", || {
        let text = received();
        let outcomes: Vec<&str> =
            text.lines().filter(|line| line.contains("\"record\":\"outcome\"")).collect();
        ids.iter().all(|id| outcomes.iter().any(|line| line.contains(id)))
    });
    assert_eq!(ids.len(), number);
}
