//! What a fleet tells everything to: a broker and a collector, which are killed and come back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::gateway::repository;
use crate::scene::wait_until;
use crate::server::Server;

/// A broker and a collector that can be killed and started anew.
pub(super) struct Center {
    broker: Option<Server>,
    collector: Option<Server>,
    /// The most memory each has taken, in KiB.
    pub(super) most: [u64; 2],
    pub(super) killed: [usize; 2],
}

impl Center {
    pub(super) fn new(settings: &str) -> Self {
        fs::write("/srv/mosquitto.conf", settings).expect("settings");
        let mut center = Self { broker: None, collector: None, most: [0; 2], killed: [0; 2] };
        center.start_broker();
        center.start_collector();
        wait_until("the collector", || Path::new("/srv/fleet.db").exists());
        center
    }

    pub(super) fn start_broker(&mut self) {
        self.broker = Some(Server::start("/srv/log", "mosquitto", &["-c", "/srv/mosquitto.conf"]));
    }

    pub(super) fn start_collector(&mut self) {
        let collect = repository("integrations/fleet/collect").display().to_string();
        let words = [collect.as_str(), "/srv/fleet.db"];
        self.collector = Some(Server::start("/srv/collect.log", "/usr/bin/python3", &words));
    }

    pub(super) fn weigh(&mut self) {
        for (most, server) in self.most.iter_mut().zip([&self.broker, &self.collector]) {
            let Some(server) = server else { continue };
            let status = fs::read_to_string(format!("/proc/{}/status", server.id()));
            let status = status.unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let words = line.and_then(|line| line.split_whitespace().next());
            *most = (*most).max(words.map_or(0, |word| word.parse().expect("a number")));
        }
    }

    pub(super) fn kill_broker(&mut self) {
        self.weigh();
        self.broker.take().expect("a broker").kill();
        self.killed[0] += 1;
        // Long enough for shippers to find nobody.
        std::thread::sleep(Duration::from_millis(200));
        self.start_broker();
    }

    pub(super) fn kill_collector(&mut self) {
        self.weigh();
        self.collector.take().expect("a collector").kill();
        self.killed[1] += 1;
        std::thread::sleep(Duration::from_millis(200));
        self.start_collector();
    }
}
