//! diald's proxy `tun0`: it takes the packets that would go out while there is no link, and
//! the first of them makes diald dial. Where no tun device can be made, a veth pair stands in.

use std::fs::File;
use std::io::Read;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::net::Net;
use crate::outcome::{During, Result};

/// `IFF_TUN | IFF_NO_PI`: plain IP packets, nothing before them.
const PLAIN_TUN: libc::c_short = 0x1001;

/// The proxy, and where its packets can be read.
#[derive(Debug)]
pub(crate) struct Proxy {
    packets: File,
    /// Whether a veth pair stands in for a tun device.
    pub(crate) stand_in: bool,
}

impl Proxy {
    /// Makes `tun0`, without an address and down.
    pub(crate) fn make(net: &mut Net) -> Result<Self> {
        if let Ok(packets) = tun() {
            return Ok(Self { packets, stand_in: false });
        }
        net.cable("tun0", "tun0-far", None)?;
        net.without_arp("tun0")?;
        net.up("tun0-far")?;
        let packets = socket(
            AddressFamily::Packet,
            SockType::Datagram,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthAll,
        )
        .during("opening a packet socket")?;
        Ok(Self { packets: File::from(packets), stand_in: true })
    }

    /// The source address of the next packet for `host` that leaves by the proxy, if one
    /// comes within a second. Others, such as the kernel's own for IPv6, are passed over,
    /// and so is anything that still bears a source address of `inside`.
    pub(crate) fn next_packet_for(
        &mut self,
        host: Ipv4Addr,
        inside: Ipv4Addr,
    ) -> Result<Option<Ipv4Addr>> {
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut bytes = [0; 2048];
        while Instant::now() < deadline {
            let mut wanted = [PollFd::new(self.packets.as_fd(), PollFlags::POLLIN)];
            poll(&mut wanted, PollTimeout::from(100u8)).during("waiting for a packet")?;
            let Ok(length) = self.packets.read(&mut bytes) else { continue };
            match ends(bytes.get(..length).unwrap_or_default()) {
                Some((source, destination)) if destination == host && source != inside => {
                    return Ok(Some(source));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Source and destination of an IPv4 packet.
fn ends(packet: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let address = |at| packet.get(at..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
    (packet.first()? >> 4 == 4).then_some(())?;
    Some((address(12)?, address(16)?))
}

/// `struct ifreq` as `TUNSETIFF` reads it.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

#[expect(unsafe_code, reason = "nix has no function for TUNSETIFF")]
fn tun() -> Result<File> {
    let device = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")
        .during("/dev/net/tun")?;
    let mut name = [0; libc::IFNAMSIZ];
    for (to, from) in name.iter_mut().zip(b"tun0") {
        *to = *from;
    }
    let mut request = Request { name, flags: PLAIN_TUN, rest: [0; 22] };
    // SAFETY: the kernel reads and writes the size of a struct ifreq, 40 bytes, at a
    // pointer to 40 bytes of ours that outlive the call.
    let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if made == 0 { Ok(device) } else { Err(std::io::Error::last_os_error().into()) }
}
