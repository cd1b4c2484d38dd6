//! The day itself: what happens to the gateway, what netcue makes of it, and the packets
//! that prove it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use netcue::config::Rules;
use netcue::engine::{self, CounterName};
use netcue::journal::{Outcome, Story, StoryStep};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::wait;

use crate::burst;
use crate::calls::{self, Call, Line, PPP0, PPP1};
use crate::counters;
use crate::gateway::{Gateway, HOST, NOBODY, PORT, PROXY, SERVER, SERVER2};
use crate::netcue_program::Netcue;
use crate::outcome::{During, Result, Verdict};
use crate::packets;
use crate::page::{Manner, Page, Step, Tone};
use crate::proxy::Proxy;
use crate::rules;
use crate::script::{self, Scene};
use crate::stage;

/// Plays the day with `folder` for everything that is written.
pub(crate) fn main(folder: &Path) -> Result<Verdict> {
    // Runs that netcue sends off on their own come back to us, so that none outlives the play.
    set_child_subreaper(true).during("becoming a subreaper")?;
    let mut gateway = match Gateway::build() {
        Ok(gateway) => gateway,
        Err(reason) => {
            std::fs::write(folder.join(stage::REASON), reason.to_string()).during("a note")?;
            return Ok(Verdict::NoStage);
        }
    };
    let netcue = Netcue::install(folder)?;
    gateway.furnish()?;
    let mut day = Day {
        page: Page::new(),
        gateway,
        netcue,
        rules: String::new(),
        seen: Vec::new(),
        in_force: true,
    };
    let played = day.play();
    drop(day);
    while wait().is_ok() {}
    played
}

struct Day {
    page: Page,
    gateway: Gateway,
    netcue: Netcue,
    /// The rules after the last event.
    rules: String,
    /// What every interface was taken for then.
    seen: Vec<String>,
    /// Whether after every event the kernel had the rules its state calls for.
    in_force: bool,
}

impl Day {
    fn play(&mut self) -> Result<Verdict> {
        self.page.opening(Manner::Played)?;
        self.boot()?;
        self.proxy()?;
        self.link()?;
        self.second_link()?;
        self.burst()?;
        self.hang_up()?;
        self.page
            .prove(self.in_force, "after every event the kernel had the rules its state calls for");
        for words in ["history --failed", "history --last 3"] {
            let words_of: Vec<&str> = words.split(' ').collect();
            self.page.command(words)?;
            self.netcue.show(&words_of)?;
        }
        self.page.where_to_look()?;
        self.page.close()
    }

    fn boot(&mut self) -> Result<()> {
        self.page.part(script::BOOT.title)?;
        let story = self.event(&calls::boot())?;
        self.end(script::BOOT, &story)?;
        let printer = story.steps.first().and_then(|step| step.end.as_ref());
        self.page.prove(
            printer.is_some_and(|end| end.outcome.is_failure())
                && story.steps.iter().filter(|step| step.end.is_some()).count() == 3,
            "a hook that fails stops no other, and the journal says which failed and how",
        );
        self.page.prove(
            self.rules.contains("masquerade") && self.rules.contains("drop"),
            "the rules stand before there is a way outside, whatever it will be",
        );
        Ok(())
    }

    fn proxy(&mut self) -> Result<()> {
        self.page.part(script::PROXY.title)?;
        self.gateway.start_proxy()?;
        let story = self.event(&calls::diald("addroute", None))?;
        self.gateway.host.tell(&format!("send {HOST} {SERVER} {PORT}"))?;
        let [proxy, _] = PROXY;
        let seen = match &mut self.gateway.proxy {
            Some(tun0) => tun0.next_packet_for(SERVER, HOST)?,
            None => None,
        };
        let packet = seen.map_or_else(
            || "none came out of tun0".to_owned(),
            |source| format!("{HOST} sends one to {SERVER}: it comes out of tun0, from {source}"),
        );
        self.page.row("packets", Tone::Plain, &packet)?;
        if let Some(Proxy { stand_in: true, .. }) = self.gateway.proxy {
            self.page.row("", Tone::Faint, "/dev/net/tun can't be used: tun0 is a veth pair")?;
        }
        self.page
            .prove(seen == Some(proxy), "a packet from the LAN reaches the proxy, masqueraded");
        self.end(script::PROXY, &story)
    }

    fn link(&mut self) -> Result<()> {
        self.page.part(script::LINK.title)?;
        self.gateway.dial(&PPP0)?;
        self.briefly(&calls::ppp("ip-pre-up", &PPP0), "addresses agreed, link not up: pppd waits")?;
        self.gateway.connect(&PPP0, 0)?;
        self.gateway.retire_proxy()?;
        let story = self.event(&calls::ppp("ip-up", &PPP0))?;
        self.briefly(&calls::diald("delroute", Some(&PPP0)), "diald tells of the same change")?;
        self.reaches(SERVER, &PPP0, "packets")?;
        let way_back = self.gateway.provider.tell(&format!("udp {HOST} {PORT}"));
        self.page.prove(
            way_back.is_err_and(|error| error.to_string().contains("unreachable")),
            "the server has no route to the LAN: only masquerading made its answer possible",
        );
        self.is_closed(&PPP0)?;
        self.end(script::LINK, &story)
    }

    fn second_link(&mut self) -> Result<()> {
        self.page.part(script::SECOND.title)?;
        self.gateway.dial(&PPP1)?;
        self.gateway.connect(&PPP1, 10)?;
        self.gateway.route_to(SERVER2, &PPP1)?;
        let story = self.event(&calls::ppp("ip-up", &PPP1))?;
        self.reaches(SERVER2, &PPP1, "packets")?;
        self.reaches(SERVER, &PPP0, "")?;
        self.end(script::SECOND, &story)
    }

    fn burst(&mut self) -> Result<()> {
        self.page.part(script::BURST.title)?;
        burst::play(&mut self.page, &self.netcue)?;
        self.look()?;
        self.page.meaning(script::BURST.meaning, None)
    }

    fn hang_up(&mut self) -> Result<()> {
        self.page.part(script::DOWN.title)?;
        self.gateway.hang_up(&PPP0)?;
        let story = self.event(&calls::ppp_down(&PPP0))?;
        self.reaches(SERVER, &PPP1, "packets")?;
        let farewell = story.steps.last().and_then(|step| step.end.as_ref());
        self.page.prove(
            farewell.is_some_and(|end| end.output.contains("goodbye ppp0, up for 121 minutes")),
            "the hook that wants only action=down ran now, and never before",
        );
        self.end(script::DOWN, &story)
    }

    /// Makes a call and shows what came of it.
    fn event(&mut self, call: &Call) -> Result<Story> {
        let story = self.netcue.call(call)?;
        let event = story.event.as_ref().ok_or("the journal lacks the event")?;
        self.page.call(&call.text(), event)?;
        self.page.steps(&story.steps.iter().map(shown).collect::<Vec<_>>())?;
        let before = std::mem::take(&mut self.rules);
        let known = std::mem::take(&mut self.seen);
        self.seen = self.look()?;
        let news = self.seen.iter().filter(|line| !known.contains(line));
        for (number, line) in news.enumerate() {
            self.page.row(if number == 0 { "seen" } else { "" }, Tone::Plain, line)?;
        }
        self.page.rules(&rules::changes(&before, &self.rules))?;
        Ok(story)
    }

    /// Makes a call that leaves the rules as they are, and says so in a line.
    fn briefly(&mut self, call: &Call, what: &str) -> Result<()> {
        let story = self.netcue.call(call)?;
        let before = self.rules.clone();
        self.look()?;
        let rules = if before == self.rules { "rules unchanged" } else { "rules changed" };
        self.page.row("call", Tone::Strong, &call.text())?;
        let took = story.ms.map_or_else(String::new, |ms| format!(", {ms:.1} ms"));
        self.page.row("", Tone::Plain, &format!("{what}; {rules}{took}"))
    }

    /// Looks at the kernel: what every interface is taken for, and whether the rules fit.
    fn look(&mut self) -> Result<Vec<String>> {
        let mut session = engine::open().during("opening nf_tables")?;
        let seen = engine::preview(&Rules::default(), &self.netcue.layout.rules(), &mut session)
            .during("looking at the rules")?;
        self.in_force &= seen.differences.is_empty();
        self.rules = seen.wanted;
        Ok(rules::taken_for(&seen.classes))
    }

    fn end(&self, scene: Scene, story: &Story) -> Result<()> {
        self.page.meaning(scene.meaning, story.ms)
    }

    /// The machine in the LAN calls a server, which must see the address of that link.
    fn reaches(&mut self, server: Ipv4Addr, line: &Line, label: &str) -> Result<()> {
        let host = &mut self.gateway.host;
        let mut ask = |protocol: &str| {
            let answer = host.tell(&format!("{protocol} {server} {PORT}"));
            answer.unwrap_or_else(|error| error.to_string())
        };
        let (tcp, udp) = (ask("tcp"), ask("udp"));
        let saw = if tcp == udp { tcp.clone() } else { format!("{tcp} by tcp, {udp} by udp") };
        let text = format!("{HOST} asks {server} by tcp and udp: it answers, and saw {saw}");
        self.page.row(label, Tone::Plain, &text)?;
        let promise =
            format!("the LAN reaches {server} by {}, seen as {}", line.interface, line.local);
        let expected = line.local.to_string();
        self.page.prove(tcp == expected && udp == expected, &promise);
        Ok(())
    }

    /// The provider tries to open a connection to the LAN, and sends a forged packet.
    fn is_closed(&mut self, line: &Line) -> Result<()> {
        let open = packets::ask_by_tcp(HOST, PORT).is_ok();
        let (refused, forged) =
            (counters::packets(CounterName::Refused)?, counters::packets(CounterName::Forged)?);
        let provider = &mut self.gateway.provider;
        provider.tell(&format!("route 192.168.1.0 24 {}", line.local))?;
        let came_in = provider.tell(&format!("tcp {HOST} {PORT}")).is_ok();
        let refused = grown(CounterName::Refused, refused)?;
        provider.tell(&format!("own {NOBODY}"))?;
        provider.tell(&format!("send {NOBODY} {HOST} {PORT}"))?;
        let forged = grown(CounterName::Forged, forged)?;
        provider.tell(&format!("unroute 192.168.1.0 24 {}", line.local))?;
        let answer = if came_in { "LET IN" } else { "refused" };
        let text = format!(
            "{} calls {HOST} unasked: {answer}; the rule's counter: {refused}",
            line.remote
        );
        self.page.row("", Tone::Plain, &text)?;
        let text = format!("{} pretends to be {NOBODY}: counted as forged: {forged}", line.remote);
        self.page.row("", Tone::Plain, &text)?;
        self.page.prove(
            open && !came_in && refused > 0,
            "port 80 in the LAN, open to the gateway, is closed to the outside; counters show it",
        );
        self.page.prove(forged > 0, "a packet from outside with an address of the LAN is refused");
        Ok(())
    }
}

/// By how much a counter has grown, waiting a second for the kernel to deliver.
fn grown(counter: CounterName, before: u64) -> Result<u64> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let packets = counters::packets(counter)?.saturating_sub(before);
        if packets > 0 || Instant::now() > deadline {
            return Ok(packets);
        }
        std::thread::yield_now();
    }
}

/// A step of a story, for the page.
fn shown(step: &StoryStep) -> Step {
    let name = step.planned.step.clone();
    let Some(end) = &step.end else {
        let reason = step.planned.skipped.as_ref().map(ToString::to_string);
        let reason = reason.unwrap_or_else(|| "did not end".to_owned());
        return Step {
            name,
            tone: Tone::Faint,
            how: format!("skipped: {reason}"),
            said: String::new(),
        };
    };
    let tone = if end.outcome.is_failure() { Tone::Bad } else { Tone::Good };
    let status = match end.status {
        Some(status) if status != 0 => format!(", exit status {status}"),
        _ => String::new(),
    };
    let reason = end.failed.as_ref().map_or_else(String::new, |reason| format!(", {reason}"));
    let how = format!("{}{status}{reason}, {:.1} ms", end.outcome.as_str(), end.ms);
    Step { name, tone, how, said: end.output.trim().replace('\n', " / ") }
}

/// Whether an event went through without a failure.
pub(crate) fn went_well(story: &Story) -> bool {
    story.outcome == Some(Outcome::Done)
}
