//! The administrator's own rules in rules.d, with real packets and the real nft(8).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::gateway::{HOST, HOST_6, SERVER, Street, connect, listen, peer, talk};
use crate::places::run;

const DROPS_22: &str = "add rule inet netcue user_forward tcp dport 22 counter drop\n";

fn own(street: &Street, name: &str, text: &str) {
    street.scene.put(&format!("etc/netcue/rules.d/{name}"), text);
}

fn chain(street: &Street, name: &str) -> String {
    street.scene.nft(&format!("list chain inet netcue {name}"))
}

fn told(street: &Street) -> String {
    street.scene.netcue(["doctor"]).any_status().any_stdout().run().stdout
}

#[test]
fn they_decide_before_ours_in_each_of_the_four_chains() {
    let street = Street::new();
    own(
        &street,
        "10-let-in.nft",
        "add rule inet netcue user_forward iifname @outside4 ip daddr 192.168.7.2 tcp dport 22 accept\n\
         add rule inet netcue user_forward iifname @outside6 tcp dport 22 accept\n",
    );
    own(
        &street,
        "20-more.nft",
        "add set inet netcue user_friends { type ipv4_addr; elements = { 198.51.100.1 }; }\n\
         add rule inet netcue user_prerouting ip saddr @user_friends tcp dport 2222 dnat ip to 192.168.7.2:22\n\
         add rule inet netcue user_input tcp dport { 2223, 2224 } drop\n\
         add rule inet netcue user_postrouting ip daddr 198.51.100.1 tcp dport 81 snat ip to 198.51.100.7\n",
    );
    street.scene.ip("address add 198.51.100.7/24 dev wan");
    street.event();
    for to in [HOST, HOST_6] {
        let host = listen(&street.inside, to);
        talk(&street.outside, &host, to);
    }
    let host = listen(&street.inside, HOST);
    talk(&street.outside, &host, "198.51.100.2:2222");
    let _service = std::net::TcpListener::bind("0.0.0.0:2223").expect("a port");
    connect(&street.inside, "192.168.7.1:2223", Duration::from_millis(300)).expect_err("dropped");
    let server = listen(&street.outside, "198.51.100.1:81");
    let (_near, far) = talk(&street.inside, &server, "198.51.100.1:81");
    assert_eq!(peer(&far), "198.51.100.7");
    // They stay when ours change, and nothing is done where nothing has changed.
    let before = run("nft --handle list chain inet netcue user_input");
    street.scene.ip("address add 10.9.0.1/24 dev lan");
    street.event();
    assert_eq!(street.scene.end_of("50-rules")["outcome"], "changed");
    street.event();
    assert_eq!(street.scene.end_of("50-rules")["outcome"], "done");
    assert_eq!(run("nft --handle list chain inet netcue user_input"), before);
    assert!(told(&street).contains("every interface is understood"), "{}", told(&street));
}

#[test]
fn they_are_put_back_and_follow_their_files() {
    let street = Street::new();
    own(&street, "10-a.nft", DROPS_22);
    street.event();
    for flushed in ["flush ruleset", "flush chain inet netcue user_forward"] {
        street.scene.nft(flushed);
        street.event();
        assert!(chain(&street, "user_forward").contains("tcp dport 22"), "{flushed}");
    }
    own(&street, "10-a.nft", "add rule inet netcue user_forward tcp dport 23 drop\n");
    street.event();
    let now = chain(&street, "user_forward");
    assert!(now.contains("tcp dport 23") && !now.contains("tcp dport 22"), "{now}");
    fs::remove_file(street.scene.path("etc/netcue/rules.d/10-a.nft")).expect("the file");
    street.event();
    let table = street.scene.nft("list table inet netcue");
    assert!(!table.contains("user_") && !table.contains("chain input"), "{table}");
    street.gets_no_answer(&street.outside, HOST);
}

#[test]
fn a_mistake_leaves_the_former_ones_and_is_named() {
    let street = Street::new();
    own(&street, "10-a.nft", DROPS_22);
    street.event();
    own(&street, "20-b.nft", "add rule inet netcue user_forward tcp dport 23 drop\n");
    own(&street, "30-c.nft", "\nadd rule inet netcue user_forward tcp dprt 24 drop\n");
    street.event();
    let now = chain(&street, "user_forward");
    assert!(now.contains("tcp dport 22") && !now.contains("tcp dport 23"), "{now}");
    let doctor = told(&street);
    assert!(doctor.contains("rules.d/30-c.nft:2:"), "{doctor}");
    assert!(doctor.contains("the former rules of rules.d stay"), "{doctor}");
    // Where there are no former ones, those without a mistake are better than none.
    street.scene.nft("flush ruleset");
    street.event();
    let now = chain(&street, "user_forward");
    assert!(now.contains("tcp dport 22") && now.contains("tcp dport 23"), "{now}");
    let doctor = told(&street);
    assert!(doctor.contains("rules.d/30-c.nft:2:"), "{doctor}");
    own(&street, "30-c.nft", "add rule inet netcue user_forward tcp dport 24 drop\n");
    street.event();
    assert!(chain(&street, "user_forward").contains("tcp dport 24"));
    assert!(!told(&street).contains("rules.d/"), "{}", told(&street));
    street.gets_no_answer(&street.outside, "192.168.7.2:80");
}

#[test]
fn what_somebody_else_could_have_written_is_not_loaded() {
    let street = Street::new();
    own(&street, "10-a.nft", DROPS_22);
    own(&street, "20-b.nft", "add rule inet netcue user_forward accept\n");
    let path = street.scene.path("etc/netcue/rules.d/20-b.nft");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("chmod");
    street.event();
    let now = chain(&street, "user_forward");
    assert!(now.contains("tcp dport 22") && !now.contains("accept"), "{now}");
    let doctor = told(&street);
    assert!(doctor.contains("20-b.nft is writable by"), "{doctor}");
    let server = listen(&street.outside, SERVER);
    talk(&street.inside, &server, SERVER);
    street.gets_no_answer(&street.outside, "192.168.7.2:80");
}
