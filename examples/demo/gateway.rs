//! The stage: a gateway (this process) between a machine in the LAN and a provider with a
//! server, each in a network namespace of its own.

use std::net::Ipv4Addr;

use crate::calls::Line;
use crate::machine::Machine;
use crate::net::{Net, Way};
use crate::outcome::{During, Result};
use crate::proxy::Proxy;
use crate::stage;

/// The gateway's own address in the LAN.
pub(crate) const LAN: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// The machine in the LAN.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
/// An address of the LAN that nobody has.
pub(crate) const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 66);
/// A server somewhere outside.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 80);
/// Another one, which only the second provider leads to.
pub(crate) const SERVER2: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 99);
/// The proxy's own address and its other end's, as diald is configured.
pub(crate) const PROXY: [Ipv4Addr; 2] =
    [Ipv4Addr::new(192, 168, 0, 1), Ipv4Addr::new(192, 168, 0, 2)];
/// The port on which both the server and the machine in the LAN answer.
pub(crate) const PORT: u16 = 80;

/// The default route of the proxy, worse than a link's.
const PROXY_ROUTE: (u32, Ipv4Addr) = (1, PROXY[1]);

/// The stage with everything on it.
#[derive(Debug)]
pub(crate) struct Gateway {
    net: Net,
    /// The machine in the LAN.
    pub(crate) host: Machine,
    /// The provider, with the servers; it has no route to the LAN.
    pub(crate) provider: Machine,
    /// diald's proxy, once it is there.
    pub(crate) proxy: Option<Proxy>,
}

impl Gateway {
    /// Builds the stage and lays the cable to the LAN.
    ///
    /// # Errors
    /// When the kernel doesn't allow it, or lacks a part: then there is nothing to play on.
    pub(crate) fn build() -> Result<Self> {
        stage::enter()?;
        let mut net = Net::open()?;
        net.up("lo")?;
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").during("making this a router")?;
        netcue::engine::open()?.generation().during("asking nf_tables")?;
        let host = Machine::start("the machine in the LAN")?;
        let provider = Machine::start("the provider")?;
        net.cable("lan0", "eth0", Some(host.id()))?;
        Ok(Self { net, host, provider, proxy: None })
    }

    /// Gives everything its address. Nothing leads outside yet.
    pub(crate) fn furnish(&mut self) -> Result<()> {
        self.net.address("lan0", LAN, LAN, 24)?;
        self.net.up("lan0")?;
        self.host.tell(&format!("join eth0 {HOST} {HOST} 24"))?;
        self.host.tell(&format!("route 0.0.0.0 0 {LAN}"))?;
        self.host.tell(&format!("serve {HOST} {PORT}"))?;
        for server in [SERVER, SERVER2] {
            self.provider.tell(&format!("own {server}"))?;
            self.provider.tell(&format!("serve {server} {PORT}"))?;
        }
        Ok(())
    }

    /// diald starts: `tun0` takes the default route.
    pub(crate) fn start_proxy(&mut self) -> Result<()> {
        let [local, remote] = PROXY;
        self.proxy = Some(Proxy::make(&mut self.net)?);
        self.net.address("tun0", local, remote, 32)?;
        self.net.up("tun0")?;
        let (metric, via) = PROXY_ROUTE;
        self.net.route(Way::default(via, metric))
    }

    /// diald gives the default route to the link.
    pub(crate) fn retire_proxy(&mut self) -> Result<()> {
        let (metric, via) = PROXY_ROUTE;
        self.net.unroute(Way::default(via, metric))
    }

    /// pppd has agreed on addresses: the interface is there with them, and not up yet.
    pub(crate) fn dial(&mut self, line: &Line) -> Result<()> {
        let far = format!("to-{}", line.interface);
        self.net.cable(&line.interface, &far, Some(self.provider.id()))?;
        self.net.address(&line.interface, line.local, line.remote, 32)?;
        self.provider.tell(&format!("join {far} {} {} 32", line.remote, line.local))?;
        Ok(())
    }

    /// The link is up and may carry what has no better way.
    pub(crate) fn connect(&mut self, line: &Line, metric: u32) -> Result<()> {
        self.net.up(&line.interface)?;
        self.net.route(Way::default(line.remote, metric))
    }

    /// Leads to one host by a certain link.
    pub(crate) fn route_to(&mut self, host: Ipv4Addr, line: &Line) -> Result<()> {
        self.net.route(Way { to: (host, 32), via: line.remote, metric: 0 })
    }

    /// The link is gone, with its addresses and routes.
    pub(crate) fn hang_up(&mut self, line: &Line) -> Result<()> {
        self.net.delete(&line.interface)
    }
}
