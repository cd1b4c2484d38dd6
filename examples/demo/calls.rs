//! The calls of the day, with the words and the environment that the real callers pass.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use crate::gateway::PROXY;

/// What somebody says to netcue.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The words after `netcue from`.
    pub(crate) words: Vec<String>,
    /// The environment, and nothing else.
    pub(crate) env: Vec<(&'static str, String)>,
}

impl Call {
    /// As a person would type it.
    pub(crate) fn text(&self) -> String {
        format!("netcue from {}", self.words.join(" "))
    }

    fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.env.push((name, value.to_string()));
        self
    }
}

fn call(words: &[&str]) -> Call {
    Call { words: words.iter().map(|word| (*word).to_owned()).collect(), env: Vec::new() }
}

/// A PPP link.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) unit: u32,
    pub(crate) interface: Cow<'static, str>,
    pub(crate) device: &'static str,
    pub(crate) local: Ipv4Addr,
    pub(crate) remote: Ipv4Addr,
}

/// The first provider's link.
pub(crate) const PPP0: Line = Line {
    unit: 0,
    interface: Cow::Borrowed("ppp0"),
    device: "/dev/ttyS0",
    local: Ipv4Addr::new(203, 0, 113, 77),
    remote: Ipv4Addr::new(203, 0, 113, 1),
};

/// The second provider's.
pub(crate) const PPP1: Line = Line {
    unit: 1,
    interface: Cow::Borrowed("ppp1"),
    device: "/dev/ttyS1",
    local: Ipv4Addr::new(192, 0, 2, 77),
    remote: Ipv4Addr::new(192, 0, 2, 1),
};

/// A unit that systemd starts after networking.service.
pub(crate) fn boot() -> Call {
    call(&["boot", "interfaces"])
        .with("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .with("LANG", "C.UTF-8")
        .with("INVOCATION_ID", "5e1f0c3a7d9b4826a0d3c1f29b64e857")
}

/// diald's `addroute` (with the window, 0) and `delroute` for the proxy.
pub(crate) fn diald(trigger: &str, line: Option<&Line>) -> Call {
    let [local, remote] = PROXY.map(|address| address.to_string());
    let mut words = vec!["diald", trigger, "tun0", "255.255.255.255", &local, &remote, "1"];
    if trigger == "addroute" {
        words.push("0");
    }
    let call = call(&words)
        .with("PATH", "/sbin:/bin")
        .with("FIFO", "/run/diald.ctl")
        .with("DIALD_LINK", "uplink");
    match line {
        None => call,
        Some(line) => call.with("MODEM", line.device).with("DIALD_DEVICE", line.device),
    }
}

/// A script of pppd's: interface, device, speed and both addresses.
pub(crate) fn ppp(trigger: &str, line: &Line) -> Call {
    let (local, remote) = (line.local.to_string(), line.remote.to_string());
    call(&["ppp", trigger, &line.interface, line.device, "115200", &local, &remote])
        .with("ORIG_UID", &0)
        .with("PPPLOGNAME", "root")
        .with("PPPD_PID", &(1204 + line.unit))
        .with("UNIT", &line.unit)
        .with("IFNAME", &line.interface)
        .with("DEVICE", line.device)
        .with("SPEED", &115_200)
        .with("IPLOCAL", &local)
        .with("IPREMOTE", &remote)
}

/// `ip-down`, which also knows what the session came to.
pub(crate) fn ppp_down(line: &Line) -> Call {
    ppp("ip-down", line)
        .with("CONNECT_TIME", &7260)
        .with("BYTES_SENT", &1_480_213)
        .with("BYTES_RCVD", &52_817_604)
}
