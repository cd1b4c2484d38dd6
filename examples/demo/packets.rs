//! Real packets: a server that tells callers which address it sees, and ways to call it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::outcome::{During, Result};

/// Longer than any answer within one machine takes; a refused packet costs it in full.
const PATIENCE: Duration = Duration::from_millis(600);

/// Answers every caller by TCP and UDP with the address that the call came from.
pub(crate) fn serve(address: Ipv4Addr, port: u16) -> Result<()> {
    let listener = TcpListener::bind((address, port)).during("listening")?;
    let socket = UdpSocket::bind((address, port)).during("listening")?;
    thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            let Ok(seen) = caller.peer_addr() else { continue };
            // A caller that has gone needs no answer.
            let _ = write!(caller, "{}", seen.ip());
        }
    });
    thread::spawn(move || {
        let mut question = [0; 64];
        while let Ok((_, caller)) = socket.recv_from(&mut question) {
            let _ = socket.send_to(caller.ip().to_string().as_bytes(), caller);
        }
    });
    Ok(())
}

/// Calls a server by TCP; what it answers is the address it saw.
pub(crate) fn ask_by_tcp(host: Ipv4Addr, port: u16) -> Result<String> {
    let mut server = TcpStream::connect_timeout(&SocketAddr::from((host, port)), PATIENCE)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Calls a server by UDP; what it answers is the address it saw.
pub(crate) fn ask_by_udp(host: Ipv4Addr, port: u16) -> Result<String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((host, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(b"who am I?")?;
    let mut answer = [0; 64];
    let length = socket.recv(&mut answer)?;
    Ok(String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned())
}

/// Sends one packet and waits for nothing.
pub(crate) fn send(from: Ipv4Addr, host: Ipv4Addr, port: u16) -> Result<()> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.send_to(b"hello", (host, port))?;
    Ok(())
}
