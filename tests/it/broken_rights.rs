//! A user, or a kernel, that may not or cannot do what netcue has to: it is said, and hooks
//! run and know.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::libc;

use crate::call::{Call, NETCUE};
use crate::scene::{IP_UP, Scene, words_of, write_file};

/// The program where everybody can call it, through a tool that takes rights away.
fn as_less_than_root(scene: &Scene, drop: &[&str]) -> Call {
    let program = scene.path("usr/sbin/netcue");
    if !program.exists() {
        write_file(&program, &fs::read(NETCUE).expect("the program"), 0o755);
    }
    Call::through("setpriv", scene.root())
        .words(drop)
        .word(program)
        .words(["--root"])
        .word(scene.root())
}

const NOBODY: [&str; 5] = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];

#[test]
fn a_user_is_told_what_only_root_can_do_and_changes_nothing() {
    let scene = Scene::telling_gateway();
    fs::create_dir_all(scene.path("run")).expect("a folder");
    let call = || as_less_than_root(&scene, &NOBODY);
    let from = || call().words(["from"]).words(IP_UP.split(' '));
    let ran = from().stderr_has("is lost: can't make the folder ROOT/run/netcue: ").run();
    ran.assert_said(&["/run/netcue: Permission denied (os error 13): only root may do that"]);
    scene.config("strict = true\n");
    from().status(77).stderr_has("only root may do that").run();
    call().words(["emit"]).status(77).stdout("ID lost\n").stderr_has("only root").run();
    call().words(["run"]).status(77).stderr_has("netcue: can't make the folder ").run();
    call().words(["rules", "show"]).status(77).stderr_has("run it as root").run();
    assert!(!scene.path("ran").exists() && !scene.path("run/netcue").exists());
    // What lies open is shown.
    call().words(["hooks"]).stdout_has("70-a").run();
    call().words(["parse", "boot", "start"]).stdout_has("\"start\"").run();

    scene.ip_up();
    call().words(["history"]).status(77).stderr_has("journal.jsonl: Permission denied").run();
    let sources = call().words(["sources"]).status(77).stdout_has("  unknown  ");
    sources.stderr_has("journal.jsonl: Permission denied").run();
    call().words(["run"]).status(77).stderr_has("only root may do that").run();
    from().status(77).stderr_has("only root may do that").run();
    assert_eq!(scene.outcomes(), ["done"]);
}

/// What holds for every machine whose rules can't be changed.
fn assert_rules_failed(call: impl Fn() -> Call, scene: &Scene, reason: &str, status: i32) {
    let from = || call().words(["from"]).words(IP_UP.split(' '));
    let ran = from().run();
    assert!(ran.summaries[0].contains("rules FAILED, 1 hook run, failed: 50-rules"), "{ran:?}");
    assert_eq!(scene.text("ran"), "failed\n", "hooks run, and are told");
    assert_eq!(scene.outcomes(), ["failed"]);
    let end = scene.end_of("50-rules");
    assert_eq!(end["outcome"], "failed");
    let said = words_of(&end["failed"]);
    assert!(said.contains(reason), "{said}");
    for words in [["rules", "show"], ["rules", "diff"]] {
        call().words(words).status(status).stderr_has(reason).run();
    }
    call().words(["emit"]).status(1).stdout("ID failed\n").run();
    scene.config("strict = true\n");
    from().status(1).run();
    assert_eq!(scene.queue(), Vec::<String>::new());
}

#[test]
fn without_the_right_to_change_the_network_hooks_run_and_know() {
    let scene = Scene::telling_gateway();
    let less = ["--bounding-set", "-net_admin", "--inh-caps", "-net_admin"];
    let call = || as_less_than_root(&scene, &less);
    assert_rules_failed(call, &scene, "no permission: netcue needs CAP_NET_ADMIN", 77);
}

#[test]
fn who_owns_the_table_is_named_where_it_keeps_netcue_out() {
    let scene = Scene::telling_gateway();
    let nft = Command::new("nft").arg("-i").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut nft = nft.expect("nft");
    let mut input = nft.stdin.take().expect("a pipe");
    input.write_all(b"add table inet netcue { flags owner; }\nlist tables\n").expect("written");
    let mut listed = BufReader::new(nft.stdout.take().expect("a pipe")).lines();
    assert!(listed.any(|line| line.expect("a line").contains("table inet netcue")));
    scene.ip_up();
    assert_eq!(scene.text("ran"), "failed\n");
    let reason = scene.failure_of("50-rules");
    let owner = format!("table inet netcue belongs to another process (nft, pid {})", nft.id());
    assert!(reason.contains(&owner), "{reason}");
    scene.netcue(["rules", "apply"]).status(1).any_stdout().any_stderr().run();
    // The kernel takes the table away with its owner.
    drop(input);
    nft.wait().expect("an end");
    scene.ip_up();
    assert_eq!(scene.text("ran"), "failed\nfailed\nchanged\n");
}

#[test]
fn on_a_kernel_without_nf_tables_hooks_run_and_know() {
    let scene = Scene::telling_gateway();
    let call = || {
        let mut call = scene.netcue([""; 0]);
        #[expect(unsafe_code, reason = "what a child does before exec has no safe form")]
        // SAFETY: the filter is made of constants on the stack, and only system calls follow.
        unsafe {
            call.command().pre_exec(refuse_netfilter);
        }
        call
    };
    assert_rules_failed(call, &scene, "it needs nf_tables with nft_chain_nat", 69);
}

/// From here on the kernel answers a request for a netfilter socket as one that was built
/// without it does.
fn refuse_netfilter() -> io::Result<()> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    // In struct seccomp_data: the number of the call, and the low halves of two arguments.
    const NUMBER: u32 = 0;
    const DOMAIN: u32 = if cfg!(target_endian = "big") { 20 } else { 16 };
    const PROTOCOL: u32 = DOMAIN + 16;
    let step = |code, k, jf| libc::sock_filter { code, jt: 0, jf, k };
    let socket = u32::try_from(libc::SYS_socket).unwrap_or(u32::MAX);
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EPROTONOSUPPORT.unsigned_abs();
    let mut filter = [
        step(LOAD, NUMBER, 0),
        step(EQUAL, socket, 5),
        step(LOAD, DOMAIN, 0),
        step(EQUAL, libc::AF_NETLINK.unsigned_abs(), 3),
        step(LOAD, PROTOCOL, 0),
        step(EQUAL, libc::NETLINK_NETFILTER.unsigned_abs(), 1),
        step(RETURN, refusal, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog { len: 8, filter: filter.as_mut_ptr() };
    nix::sys::prctl::set_no_new_privs()?;
    let operation = libc::c_long::from(libc::SECCOMP_SET_MODE_FILTER);
    #[expect(unsafe_code, reason = "nix has no seccomp(2)")]
    // SAFETY: the kernel copies the program, which outlives the call.
    let refused = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const program) };
    if refused == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
