//! The same day without a network: real calls, real plans, and the rules printed instead
//! of applied. For machines that give us no namespaces.

use std::net::{IpAddr, Ipv4Addr};

use netcue::config::Rules;
use netcue::engine::{KernelState, classify, ruleset, text};
use netcue::event::{Cidr, Family};
use netcue::plan::{self, Candidate, Fitness, Kind, Verdict as Planned, Wishes};
use netcue::sys::state::{Address, Link, PolicyRule, Route};

use crate::calls::{self, Call, Line, PPP0, PPP1};
use crate::gateway::{LAN, PROXY, SERVER2};
use crate::netcue_program::{HOOKS, Netcue};
use crate::outcome::{During, Result, Verdict};
use crate::page::{Manner, Page, Step, Tone};
use crate::rules;
use crate::script::{self, Scene};

/// Main table.
const MAIN: u32 = 254;

/// Shows the day; `reason` says why it isn't played.
pub(crate) fn play(reason: &str) -> Result<Verdict> {
    let mut paper = Paper {
        page: Page::new(),
        netcue: Netcue::bare()?,
        candidates: candidates()?,
        state: KernelState::default(),
        rules: String::new(),
        seen: Vec::new(),
    };
    paper.page.opening(Manner::OnPaper(reason))?;
    paper.state.policy_rules.push(PolicyRule {
        family: Family::Ipv4,
        table: Some(MAIN),
        l3mdev: false,
    });
    paper.boot()?;
    paper.proxy()?;
    paper.links()?;
    paper.page.where_to_look()?;
    paper.page.close()
}

struct Paper {
    page: Page,
    netcue: Netcue,
    candidates: Vec<Candidate>,
    state: KernelState,
    rules: String,
    seen: Vec<String>,
}

impl Paper {
    fn boot(&mut self) -> Result<()> {
        self.interface(2, "lan0", LAN, None, 24);
        self.scene(script::BOOT, &calls::boot(), "boot")?;
        self.page.prove(
            self.rules.contains("masquerade") && self.rules.contains("drop"),
            "the rules stand before there is a way outside, whatever it will be",
        );
        Ok(())
    }

    fn proxy(&mut self) -> Result<()> {
        let [local, remote] = PROXY;
        self.interface(3, "tun0", local, Some(remote), 32);
        self.default_route(3, remote, 1);
        self.scene(script::PROXY, &calls::diald("addroute", None), "up")?;
        self.goes_out_by(r#"{ "tun0" }"#);
        Ok(())
    }

    fn links(&mut self) -> Result<()> {
        self.state.routes.clear();
        self.link(4, &PPP0, 0);
        self.scene(script::LINK, &calls::ppp("ip-up", &PPP0), "up")?;
        self.goes_out_by(r#"{ "ppp0" }"#);

        self.link(5, &PPP1, 10);
        self.state.routes.push(Route {
            destination: Some(Cidr { address: IpAddr::V4(SERVER2), prefix: 32 }),
            ..default_route(5, PPP1.remote, 0)
        });
        self.scene(script::SECOND, &calls::ppp("ip-up", &PPP1), "up")?;
        self.goes_out_by(r#"{ "ppp0", "ppp1" }"#);

        self.state.links.retain(|link| link.index != 4);
        self.state.addresses.retain(|address| address.ifindex != 4);
        self.state.routes.retain(|route| !route.out_interfaces.contains(&4));
        let farewell = self.scene(script::DOWN, &calls::ppp_down(&PPP0), "down")?;
        self.goes_out_by(r#"{ "ppp1" }"#);
        self.page.prove(farewell, "the hook that wants only action=down would run now");
        Ok(())
    }

    /// Shows one call; tells whether every hook would run.
    fn scene(&mut self, scene: Scene, call: &Call, action: &str) -> Result<bool> {
        self.page.part(scene.title)?;
        let event = self.netcue.parse(call)?;
        self.page.call(&call.text(), &event)?;
        let candidates = plan::with_engine(self.candidates.clone());
        let steps: Vec<Step> = plan::make(&event, candidates, plan::Around::default())
            .into_iter()
            .map(planned)
            .collect();
        self.page.steps(&steps)?;
        let classes = classify(&self.state, &Rules::default());
        let known = std::mem::replace(&mut self.seen, rules::taken_for(&classes));
        let news = self.seen.iter().filter(|line| !known.contains(line));
        for (number, line) in news.enumerate() {
            self.page.row(if number == 0 { "seen" } else { "" }, Tone::Plain, line)?;
        }
        let wanted = text(&ruleset(&classes, &Rules::default()));
        self.page.rules(&rules::changes(&self.rules, &wanted))?;
        self.rules = wanted;
        self.page.meaning(scene.meaning, None)?;
        let understood = event.facts.action.as_ref().is_some_and(|known| known.as_str() == action);
        let promise = format!("\"{}\" is understood as {action}", call.text());
        self.page.prove(understood, &promise);
        Ok(steps.iter().all(|step| step.how == WOULD_RUN))
    }

    fn goes_out_by(&mut self, links: &str) {
        let sets = format!("outside4, outside6 = {links}");
        let held = self.rules.contains("masquerade") && rules::has(&self.rules, &sets);
        self.page.prove(held, &format!("the rules then masquerade and guard {links}"));
    }

    fn link(&mut self, index: u32, line: &Line, metric: u32) {
        self.interface(index, &line.interface, line.local, Some(line.remote), 32);
        self.default_route(index, line.remote, metric);
    }

    fn interface(
        &mut self,
        index: u32,
        name: &str,
        local: Ipv4Addr,
        peer: Option<Ipv4Addr>,
        prefix: u8,
    ) {
        let Ok(name) = name.parse() else { return };
        self.state.links.push(Link {
            index,
            name,
            up: true,
            loopback: false,
            mtu: 1500,
            master: None,
            kind: None,
            vrf_table: None,
            point_to_point: peer.is_some(),
            parent: None,
        });
        let (local, peer) = (IpAddr::V4(local), peer.map(IpAddr::V4));
        self.state.addresses.push(Address { ifindex: index, local, prefix, peer, leased: false });
    }

    fn default_route(&mut self, index: u32, via: Ipv4Addr, metric: u32) {
        self.state.routes.push(default_route(index, via, metric));
    }
}

fn default_route(index: u32, via: Ipv4Addr, metric: u32) -> Route {
    Route {
        family: Family::Ipv4,
        destination: None,
        table: MAIN,
        out_interfaces: vec![index],
        gateway: Some(IpAddr::V4(via)),
        metric,
        advertised: false,
    }
}

const WOULD_RUN: &str = "would run";

fn planned(step: plan::Step) -> Step {
    let (tone, how) = match step.verdict {
        Planned::Run(_) => (Tone::Good, WOULD_RUN.to_owned()),
        Planned::Skip(skip) => (Tone::Faint, format!("skipped: {skip}")),
        Planned::Refuse(reason) => (Tone::Bad, format!("refused: {reason}")),
    };
    Step { name: step.name, tone, how, said: String::new() }
}

/// The hooks of the day as if they belonged to root.
fn candidates() -> Result<Vec<Candidate>> {
    HOOKS
        .iter()
        .map(|(name, content)| {
            let wishes = Wishes::from_head(content).during(name)?;
            Ok(Candidate {
                rank: (*name).to_owned(),
                name: (*name).to_owned(),
                kind: Kind::of_file(name, format!("/etc/netcue/hooks.d/{name}").into()),
                fitness: Fitness::Fit(wishes),
            })
        })
        .collect()
}
