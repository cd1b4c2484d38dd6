//! A machine of the stage: a process in a network namespace of its own that does what it
//! is told, line by line. The gateway holds a [`Machine`]; the process runs [`main`].

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sched::{CloneFlags, unshare};

use crate::net::{Net, Way};
use crate::outcome::{During, Result};
use crate::packets;

/// The word by which the demo starts itself as a machine.
pub(crate) const ROLE: &str = "--as-machine";

/// A running machine; it ends with its stdin.
#[derive(Debug)]
pub(crate) struct Machine {
    name: &'static str,
    child: Child,
    orders: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Machine {
    /// Starts a machine that has only a loopback interface.
    pub(crate) fn start(name: &'static str) -> Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .args([ROLE, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .during("starting a machine")?;
        let orders = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut machine = Self { name, child, orders, replies };
        machine.reply()?;
        Ok(machine)
    }

    /// The number by which netlink finds its namespace.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives an order and waits for what comes of it.
    pub(crate) fn tell(&mut self, order: &str) -> Result<String> {
        let stdin = self.orders.as_mut().ok_or("it has ended")?;
        writeln!(stdin, "{order}").during(self.name)?;
        self.reply().during(order)
    }

    fn reply(&mut self) -> Result<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line).during(self.name)?;
        match line.trim_end_matches('\n').split_once(' ') {
            Some(("ok", reply)) => Ok(reply.to_owned()),
            Some((_, error)) => Err(format!("{}: {error}", self.name).into()),
            None => Err(format!("{} has ended", self.name).into()),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// What the process of a machine does until its stdin ends.
pub(crate) fn main(_name: &str) -> Result<()> {
    let begun = unshare(CloneFlags::CLONE_NEWNET).during("a network namespace");
    let mut net = begun.and_then(|()| Net::open()).and_then(|mut net| {
        net.up("lo")?;
        Ok(net)
    });
    answer(net.as_ref().map(|_| "ready".to_owned()).map_err(ToString::to_string))?;
    let Ok(net) = &mut net else { return Ok(()) };
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        answer(obey(net, &words).map_err(|error| error.to_string()))?;
    }
    Ok(())
}

fn answer(reply: std::result::Result<String, String>) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match reply {
        Ok(reply) => writeln!(stdout, "ok {reply}")?,
        Err(error) => writeln!(stdout, "error {error}")?,
    }
    Ok(stdout.flush()?)
}

fn obey(net: &mut Net, words: &[&str]) -> Result<String> {
    let done = String::new;
    match words {
        ["join", name, local, peer, prefix] => {
            net.address(name, local.parse()?, peer.parse()?, prefix.parse()?)?;
            net.up(name).map(|()| done())
        }
        ["own", address] => {
            let address: Ipv4Addr = address.parse()?;
            net.address("lo", address, address, 32).map(|()| done())
        }
        ["route", network, prefix, via] => net.route(way(network, prefix, via)?).map(|()| done()),
        ["unroute", network, prefix, via] => {
            net.unroute(way(network, prefix, via)?).map(|()| done())
        }
        ["serve", address, port] => {
            packets::serve(address.parse()?, port.parse()?).map(|()| done())
        }
        ["tcp", host, port] => packets::ask_by_tcp(host.parse()?, port.parse()?),
        ["udp", host, port] => packets::ask_by_udp(host.parse()?, port.parse()?),
        ["send", from, host, port] => {
            packets::send(from.parse()?, host.parse()?, port.parse()?).map(|()| done())
        }
        _ => Err(format!("unknown order {words:?}").into()),
    }
}

fn way(network: &str, prefix: &str, via: &str) -> Result<Way> {
    Ok(Way { to: (network.parse()?, prefix.parse()?), via: via.parse()?, metric: 0 })
}
