//! An event that comes from another network namespace than that of who handles it is handled
//! in its own, judged by nft there.

use std::process::{Child, Command, Stdio};

use crate::call::NETCUE;
use crate::scene::{IP_UP, Scene, run, script, wait_until};

/// A network namespace that lives as long as its only process.
struct Elsewhere(Child);

impl Elsewhere {
    /// One with the interfaces of a gateway.
    fn gateway() -> Self {
        let process = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo here; exec sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let there = Self(process);
        let ours = std::fs::read_link("/proc/thread-self/ns/net").expect("a namespace");
        wait_until("another namespace", || there.name() != ours.display().to_string());
        for words in [
            "link set lo up",
            "link add wan type veth peer name wan-far",
            "link set wan-far up",
            "link set wan up",
            "addr add 198.51.100.7/24 dev wan",
            "route add default via 198.51.100.1",
            "link add lan type veth peer name lan-far",
            "link set lan-far up",
            "link set lan up",
            "addr add 192.168.7.1/24 dev lan",
        ] {
            there.run("ip", &words.split(' ').collect::<Vec<_>>());
        }
        there
    }

    fn name(&self) -> String {
        let link = std::fs::read_link(format!("/proc/{}/ns/net", self.0.id()));
        link.expect("a namespace").display().to_string()
    }

    fn run(&self, tool: &str, words: &[&str]) -> String {
        let target = format!("--target={}", self.0.id());
        let all = [target.as_str(), "--net", "--", tool].into_iter().chain(words.iter().copied());
        run("nsenter", all)
    }

    /// Calls netcue there.
    fn call(&self, scene: &Scene, words: &str) -> String {
        let root = scene.root().display().to_string();
        let words: Vec<&str> = ["--root", &root].into_iter().chain(words.split(' ')).collect();
        self.run(NETCUE, &words)
    }

    fn end(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("an end");
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scene with a hook that says where it runs, and another that holds the lock until the
/// scene is opened.
fn busy() -> (Scene, crate::call::Running) {
    let scene = Scene::new();
    let where_ = scene.path("where");
    scene.gated_hook("20-slow", "# netcue: action=boot");
    scene.hook(
        "70-where",
        script(&format!("# netcue: action=up\nreadlink /proc/self/ns/net >>{}", where_.display())),
    );
    let holder = scene.calling("boot start").any_stderr().spawn();
    scene.begun(1);
    (scene, holder)
}

#[test]
fn an_event_from_another_namespace_is_handled_there_by_who_is_busy_here() {
    let (scene, holder) = busy();
    let there = Elsewhere::gateway();
    there.call(&scene, &format!("from {IP_UP}"));
    assert_eq!(scene.queue().len(), 2);
    scene.open();
    holder.finish();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done", "done"]);
    assert!(there.run("nft", &["list", "ruleset"]).contains("192.168.7.0/24"));
    assert!(!scene.nft("list ruleset").contains("192.168.7.0/24"), "none here");
    assert_eq!(scene.text("where").trim(), there.name());
    let remarks = scene.records("remark");
    assert!(remarks[0]["text"].to_string().contains("handled in the network namespace"));
    // And back: the next event of this namespace is handled here.
    scene.gateway();
    scene.ip_up();
    assert!(scene.nft("list ruleset").contains("192.168.7.0/24"));
}

#[test]
fn a_hook_that_holds_nobody_runs_in_the_namespace_of_its_event_too() {
    let (scene, holder) = busy();
    let apart = scene.path("apart");
    scene.hook(
        "80-apart",
        script(&format!(
            "# netcue: wait=no action=up\nreadlink /proc/self/ns/net >{}",
            apart.display()
        )),
    );
    let there = Elsewhere::gateway();
    there.call(&scene, &format!("from {IP_UP}"));
    scene.open();
    holder.finish();
    wait_until("the hook to have run", || scene.text("apart").trim() == there.name());
}

#[test]
fn an_event_whose_namespace_has_gone_is_given_up_and_says_why() {
    let (scene, holder) = busy();
    let mut there = Elsewhere::gateway();
    there.call(&scene, &format!("from {IP_UP}"));
    there.end();
    scene.open();
    holder.finish();
    scene.settled();
    assert_eq!(scene.outcomes(), ["done", "given-up"]);
    let reason = scene.records("outcome")[1]["reason"].to_string();
    assert!(reason.contains("the network namespace it came from"), "{reason}");
    assert!(reason.contains("has gone"), "{reason}");
    assert_eq!(scene.text("where"), "");
    assert_eq!(scene.names_in("run/netcue/failed"), Vec::<String>::new());
}
