//! Ports that netcue.conf forwards to hosts inside, with real packets, in both families.

use std::io::ErrorKind;
use std::time::Duration;

use crate::closed::another;
use crate::gateway::{Street, connect, listen, peer, talk};

const WEB: &str = "198.51.100.2:443";
const WEB_6: &str = "[2001:db8:7::2]:443";

fn forwarding(ports: &str) -> Street {
    let street = Street::new();
    street.scene.config(&format!("[rules]\nforward = [{ports}]\n"));
    street.event();
    street
}

/// The machine itself refuses it: nothing forwards the port.
fn is_not_forwarded(street: &Street, to: &str) {
    let refused = connect(&street.outside, to, Duration::from_millis(300)).expect_err("closed");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{to}: {refused}");
}

#[test]
fn a_forwarded_port_reaches_its_host_and_no_other_does() {
    let street = forwarding("{ port = 'tcp/443', to = '192.168.7.2' }");
    let host = listen(&street.inside, "192.168.7.2:443");
    let (_near, far) = talk(&street.outside, &host, WEB);
    assert_eq!(peer(&far), "198.51.100.1", "the host sees who asks");
    is_not_forwarded(&street, "198.51.100.2:444");
    street.gets_no_answer(&street.outside, "192.168.7.2:22");
}

#[test]
fn a_range_keeps_its_ports_and_one_port_may_become_another() {
    let street = forwarding(
        "{ port = 'tcp/8000-8010', to = '192.168.7.2' },
         { port = 'tcp/2222', to = '192.168.7.2:22' }",
    );
    let host = listen(&street.inside, "192.168.7.2:8007");
    talk(&street.outside, &host, "198.51.100.2:8007");
    is_not_forwarded(&street, "198.51.100.2:8011");
    let host = listen(&street.inside, "192.168.7.2:22");
    talk(&street.outside, &host, "198.51.100.2:2222");
}

#[test]
fn only_who_is_named_gets_what_is_forwarded_for_them() {
    for (network, prefix) in
        [("198.51.100.0/26", "2001:db8:1::/64"), ("198.51.100.1", "2001:db8:1::1")]
    {
        let street = forwarding(&format!(
            "{{ port = 'tcp/443', to = '192.168.7.2', from = '{network}' }},
             {{ port = 'tcp/444', to = '192.168.7.2', from = '203.0.113.0/27' }},
             {{ port = 'tcp/443', to = '::2', from = '{prefix}' }},
             {{ port = 'tcp/444', to = '::2', from = '2001:db8:8000::/33' }}"
        ));
        let host = listen(&street.inside, "192.168.7.2:443");
        talk(&street.outside, &host, WEB);
        is_not_forwarded(&street, "198.51.100.2:444");
        let host = listen(&street.inside, WEB_6);
        talk(&street.outside, &host, WEB_6);
        street.gets_no_answer(&street.outside, "[2001:db8:7::2]:444");
        // The limit is for strangers.
        let host = listen(&street.inside, "192.168.7.2:444");
        talk(&street.inside, &host, "198.51.100.2:444");
    }
}

#[test]
fn who_asks_from_inside_by_the_public_address_is_answered() {
    let street = Street::new();
    street.scene.config(
        "[rules]\nforward = [{ port = 'tcp/443', to = '192.168.7.2:8443' }]\n\
         [interface.guest0]\nside = 'guest'\n",
    );
    let guest = another(&street, "guest0", "192.168.9.1", "192.168.9.2", "");
    street.event();
    let host = listen(&street.inside, "192.168.7.2:8443");
    let (_near, far) = talk(&street.inside, &host, WEB);
    assert_eq!(peer(&far), "192.168.7.1", "the answer has to come back by the gateway");
    let (_near, far) = talk(&guest, &host, WEB);
    assert_eq!(peer(&far), "192.168.9.2");
    street.gets_no_answer(&guest, "192.168.7.2:8443");
}

#[test]
fn a_port_of_ipv6_is_open_at_its_host_in_whatever_network_that_is() {
    let street = forwarding("{ port = 'tcp/443', to = '::2' }");
    let host = listen(&street.inside, WEB_6);
    let (near, far) = talk(&street.outside, &host, WEB_6);
    assert_eq!(peer(&far), "2001:db8:1::1");
    street.gets_no_answer(&street.outside, "[2001:db8:7::2]:22");
    // Another prefix is delegated, and no event tells of it.
    street.scene.ip("-6 address add 2001:db8:77::1/64 dev lan nodad");
    street.inside.enter(|| street.scene.ip("-6 address add 2001:db8:77::2/64 dev lan-far nodad"));
    street.inside.enter(|| street.scene.ip("-6 address add 2001:db8:77::3/64 dev lan-far nodad"));
    street.outside.enter(|| street.scene.ip("-6 route add 2001:db8:77::/64 via 2001:db8:1::2"));
    let other = listen(&street.inside, "[2001:db8:77::2]:443");
    talk(&street.outside, &other, "[2001:db8:77::2]:443");
    street.event();
    talk(&street.outside, &other, "[2001:db8:77::2]:443");
    street.gets_no_answer(&street.outside, "[2001:db8:77::3]:443");
    // What was let in is not forgotten when the rules change.
    let said = street.scene.end_of("50-rules")["output"].to_string();
    assert!(!said.contains("forgot"), "{said}");
    drop((near, far));
}

#[test]
fn a_port_that_leads_nowhere_is_told() {
    let street = forwarding(
        "{ port = 'tcp/443', to = '192.168.8.2' }, { port = 'tcp/80', to = '192.168.7.9' }",
    );
    let told = street.scene.netcue(["doctor"]).status(1).any_stdout().run().stdout;
    assert!(told.contains("tcp/443 to 192.168.8.2 in netcue.conf leads to no network"), "{told}");
    assert!(!told.contains("192.168.7.9"), "{told}");
}

#[test]
fn a_port_that_is_forwarded_no_more_is_closed() {
    let street =
        forwarding("{ port = 'tcp/443', to = '192.168.7.2' }, { port = 'tcp/443', to = '::2' }");
    let host = listen(&street.inside, "192.168.7.2:443");
    talk(&street.outside, &host, WEB);
    let other = listen(&street.inside, WEB_6);
    talk(&street.outside, &other, WEB_6);
    street.scene.config("");
    street.event();
    is_not_forwarded(&street, WEB);
    street.gets_no_answer(&street.outside, WEB_6);
}
