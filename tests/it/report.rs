//! The page for a browser: all of it is there, without a script too, and nothing that somebody
//! else chose is taken for HTML.

use std::path::Path;

use crate::call::Call;
use crate::scene::{IP_UP, Scene};
use crate::show::remembering;

fn page(scene: &Scene) -> String {
    scene.netcue(["report", "--html"]).any_stdout().run().stdout
}

/// Every element is closed where it has to be, as a parser of HTML sees it; gives back the text,
/// what stands in scripts and styles left out, and how many scripts there are.
fn read(page: &str) -> (usize, String) {
    let script = "
import sys
from html.parser import HTMLParser
class Reader(HTMLParser):
    void = {'meta', 'br', 'input'}
    def __init__(self):
        super().__init__()
        self.open, self.text, self.scripts = [], [], 0
    def handle_starttag(self, tag, attrs):
        assert not any(name.startswith('on') for name, _ in attrs), attrs
        self.scripts += tag == 'script'
        if tag not in self.void:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        pass
    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())
    def handle_data(self, data):
        if not {'script', 'style'} & set(self.open):
            self.text.append(data)
reader = Reader()
reader.feed(sys.stdin.read())
assert not reader.open, reader.open
print(reader.scripts)
print(''.join(reader.text))
";
    let python = Call::through("/usr/bin/python3", Path::new("/")).env("PYTHONUTF8", "1");
    let shown = python.words(["-c", script]).stdin(page).any_stdout().run().stdout;
    let (scripts, text) = shown.split_once('\n').expect("two parts");
    (scripts.parse().expect("a number"), text.to_owned())
}

#[test]
fn the_page_holds_what_there_is_to_know() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("70-ddns", "#!/bin/sh\necho no answer from the server\nexit 3\n");
    scene.ip_up();
    scene.from("boot start");
    let shown = page(&scene);
    let (scripts, text) = read(&shown);
    assert_eq!(scripts, 1);
    for part in [
        "70-ddns failed each of the last 2 times: exit status 3",
        "netcue why 70-ddns",
        "wan: default route via 198.51.100.1",
        "ppp ip-up ppp0",
        "| no answer from the server",
        "iifname @outside4",
        "every source",
        "All checks",
        "pppd, also as started by diald",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(shown.matches("<svg ").count(), 1, "one burst");
    assert!(shown.contains("data-hook=\"50-rules 70-ddns\""), "{text}");
    // Nothing is fetched from anywhere.
    for word in ["http://", "https://", "src="] {
        let others = shown.replace("http://www.w3.org/2000/svg", "");
        assert!(!others.contains(word), "{word}");
    }
}

#[test]
fn nothing_that_somebody_else_chose_is_taken_for_html() {
    let scene = remembering();
    scene.calling("<script>alert(1)</script> x\u{202e}").any_status().any_stderr().run();
    let shown = page(&scene);
    let (scripts, text) = read(&shown);
    assert_eq!(scripts, 1, "only the page's own");
    assert!(!shown.contains("<script>alert"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    assert!(text.contains("<script>alert(1)</script>"), "it is shown as what it is");
}

#[test]
fn a_machine_without_events_has_a_page_too() {
    let (_, text) = read(&page(&Scene::new()));
    assert!(text.contains("The journal holds no event."), "{text}");
    let scene = Scene::new();
    for number in 0..5 {
        scene.from(&IP_UP.replace("ppp0", &format!("ppp{number}")));
    }
    let few = scene.netcue(["report", "--html", "-n", "3"]).any_stdout().run().stdout;
    let (_, text) = read(&few);
    assert!(text.contains("3 events, and there are older ones: see -n"), "{text}");
}

/// What hooks print may be megabytes in all, and a browser has to show the page.
#[test]
fn what_failed_hooks_printed_does_not_make_the_page_too_large_to_show() {
    let scene = Scene::new();
    scene.hook("70-ddns", "#!/bin/sh\nhead -c 60000 /dev/zero | tr '\\0' x\nexit 3\n");
    scene.ip_up();
    let one = scene.journal();
    let mut many = String::new();
    for number in 0..1000 {
        for record in &one {
            let id = one[0]["event_id"].as_str().expect("an id");
            let (_, rest) = id.split_at(8);
            let other = format!("0199{number:04x}{rest}");
            many += &(record.to_string().replace(id, &other) + "\n");
        }
    }
    std::fs::write(scene.path("var/log/netcue/journal.jsonl"), many).expect("written");
    let all = scene.netcue(["report", "--html", "-n", "1000"]).any_stdout().run().stdout;
    assert_eq!(all.matches("<tr data-source").count(), 1000);
    assert!(all.contains("bytes more: \"netcue history "), "it says where the rest is");
    assert!(all.len() < 8 << 20, "{} bytes", all.len());
}
