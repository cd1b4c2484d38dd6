//! Units and init scripts, installed as `make install` does it, and read by those who will
//! run them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::call::NETCUE;
use crate::scene::Scene;

const SCRIPTS: [&str; 4] = ["netcue", "netcue-early", "netcue-pre-network", "netcue-watch"];

fn said(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    said.concat()
}

fn succeeded(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    said(&output)
}

/// What `make` does with these words; the program is the one under test.
fn make(words: &[&str], folder: &Path) {
    succeeded(
        Command::new("make")
            .arg("-s")
            .args([format!("PROGRAM={NETCUE}"), format!("DESTDIR={}", folder.display())])
            .args(words)
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
}

/// An installation in a folder of its own.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        make(&["install"], folder.path());
        Self(folder)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// The files that say where the program is say where this one is instead.
    fn calling(self, program: &Path) -> Self {
        for folder in ["usr/lib/systemd/system", "etc/init.d"] {
            for path in files(&self.path(folder)) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                if text.contains("/usr/sbin/netcue") && !path.is_symlink() {
                    let text = text.replace("/usr/sbin/netcue", &program.display().to_string());
                    fs::write(path, text).unwrap();
                }
            }
        }
        self
    }

    fn systemd_analyze(&self) -> Command {
        let mut command = Command::new("systemd-analyze");
        // The colon at the end stands for the folders of the system's own units.
        let units = format!("{}:", self.path("usr/lib/systemd/system").display());
        command.env("SYSTEMD_UNIT_PATH", units);
        command
    }
}

/// Every file and link below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    let paths = entries.map(|entry| entry.unwrap());
    paths.filter(|entry| !entry.file_type().is_dir()).map(walkdir::DirEntry::into_path).collect()
}

const UNITS: [&str; 12] = [
    "netcue-boot-pre-network.service",
    "netcue-boot-interfaces.service",
    "netcue-boot-filesystems.service",
    "netcue-boot-services.service",
    "netcue-nftables.service",
    "netcue-nftables-stop.service",
    "netcue-queue.service",
    "netcue-queue.path",
    "netcue-queue.socket",
    "netcue-watch.socket",
    "netcue-watch.service",
    "netcue-watch-again.service",
];

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let installed = Installed::new().calling(Path::new(NETCUE));
    for unit in UNITS {
        let mut verify = installed.systemd_analyze();
        let said = succeeded(verify.args(["verify", "--man=no", "--recursive-errors=yes", unit]));
        assert!(!said.contains("netcue"), "{unit}: {said}");
    }
}

#[test]
fn systemd_finds_no_circle_in_a_boot_with_all_units_enabled() {
    let installed = Installed::new().calling(Path::new(NETCUE));
    for unit in UNITS {
        let path = installed.path("usr/lib/systemd/system").join(unit);
        let text = fs::read_to_string(&path).unwrap();
        if let Some(target) = text.lines().find_map(|line| line.strip_prefix("WantedBy=")) {
            let wants = path.with_file_name(format!("{target}.wants"));
            fs::create_dir_all(&wants).unwrap();
            std::os::unix::fs::symlink(&path, wants.join(unit)).unwrap();
        }
    }
    let mut verify = installed.systemd_analyze();
    let said = succeeded(verify.args(["verify", "--man=no", "multi-user.target"]));
    assert!(!said.contains("netcue") && !said.contains("cycle"), "{said}");
}

/// What the comments in hardening.conf say is all there is; less would go unnoticed.
#[test]
fn hardening_holds_for_every_service() {
    let installed = Installed::new().calling(Path::new(NETCUE));
    for unit in UNITS.iter().filter(|unit| unit.ends_with(".service")) {
        let mut security = installed.systemd_analyze();
        succeeded(security.args(["security", "--offline=true", "--threshold=88", unit]));
    }
}

#[test]
fn each_unit_and_script_calls_the_stage_it_is_named_after() {
    let installed = Installed::new();
    for stage in ["pre-network", "interfaces", "filesystems", "services"] {
        let unit = format!("usr/lib/systemd/system/netcue-boot-{stage}.service");
        let text = fs::read_to_string(installed.path(&unit)).unwrap();
        let call = format!("\nExecStart=/usr/sbin/netcue from boot {stage}\n");
        assert!(text.contains(&call), "{unit}");
    }
}

/// That they do it is tried where systemd runs: `tests/package/booted/nftables`.
#[test]
fn what_flushes_the_rules_has_netcue_put_them_back_if_it_had_made_any() {
    let installed = Installed::new();
    let memory = netcue::paths::Layout::default().rules();
    let condition = format!("[ ! -e {} ] || ", memory.display());
    for (unit, calls) in [("netcue-nftables.service", 2), ("netcue-nftables-stop.service", 1)] {
        let units = installed.path("usr/lib/systemd/system");
        let text = fs::read_to_string(units.join(unit)).unwrap();
        assert_eq!(text.matches(&condition).count(), calls, "{unit}");
        assert_eq!(text.matches("exec /usr/sbin/netcue rules apply'").count(), calls, "{unit}");
        let wanted = units.join("nftables.service.wants").join(unit);
        assert_eq!(fs::canonicalize(wanted).unwrap(), units.join(unit));
    }
}

#[test]
fn init_scripts_do_what_rc_and_people_say() {
    let stages = ["services", "interfaces", "pre-network"];
    for shell in [&["dash"][..], &["busybox", "sh"]] {
        for (script, stage) in SCRIPTS.into_iter().zip(stages) {
            let scene = Scene::new();
            let program = scene.path("netcue");
            let root = scene.root().display();
            scene.hook_in(
                "",
                "netcue",
                format!("#!/bin/sh\n{NETCUE} --root {root} \"$@\"\n"),
                0o755,
            );
            let installed = Installed::new().calling(&program);
            let script = installed.path("etc/init.d").join(script);
            let call = |action: &str| {
                let (first, rest) = shell.split_first().unwrap();
                let mut command = Command::new(first);
                // rc's environment, more or less.
                command.args(rest).arg(&script).arg(action).env_clear().env("RUNLEVEL", "S");
                let output = command.output().unwrap();
                (output.status.code(), said(&output))
            };
            let (status, said) = call("status");
            assert_eq!(status, Some(3), "before the rules are there: {said}");
            for action in ["start", "restart", "force-reload", "stop"] {
                let (status, said) = call(action);
                assert_eq!(status, Some(0), "{script:?} {action} with {shell:?}: {said}");
            }
            let (status, said) = call("status");
            assert_eq!(status, Some(0), "{said}");
            let (status, said) = call("stort");
            assert_eq!(status, Some(2), "{said}");
            assert!(said.contains("{start|stop|restart|force-reload|status}"), "{said}");

            let accepted = scene.records("accepted");
            let triggers: Vec<_> =
                accepted.iter().map(|record| &record["event"]["trigger"]).collect();
            assert_eq!(triggers, [stage, "apply", "apply"], "{script:?}");
            assert_eq!(scene.outcomes(), ["done"; 3]);
        }
    }
}

#[test]
fn an_init_script_without_its_program_says_nothing() {
    let installed = Installed::new().calling(Path::new("/nowhere/netcue"));
    for script in SCRIPTS {
        let path = installed.path("etc/init.d").join(script);
        assert_eq!(succeeded(Command::new("sh").arg(path).arg("start")), "");
    }
}

#[test]
fn what_make_installs_make_takes_out() {
    let folder = tempfile::tempdir().unwrap();
    make(&["install"], folder.path());
    assert!(files(folder.path()).len() > 20);
    let hook = folder.path().join("etc/netcue/hooks.d/40-mine");
    fs::write(&hook, "#!/bin/sh\n").unwrap();
    let link = folder.path().join("etc/ppp/ip-up.d/netcue");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/usr/sbin/netcue", &link).unwrap();
    make(&["uninstall"], folder.path());
    assert_eq!(files(folder.path()), [hook]);
}

#[test]
fn another_prefix_is_what_units_and_scripts_call() {
    let folder = tempfile::tempdir().unwrap();
    make(&["install", "PREFIX=/usr/local"], folder.path());
    assert!(folder.path().join("usr/local/sbin/netcue").is_file());
    let mut seen = 0;
    for below in ["usr/local/lib/systemd/system", "etc/init.d"] {
        for path in files(&folder.path().join(below)) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.contains("/usr/sbin/netcue"), "{}", path.display());
            seen += text.matches("/usr/local/sbin/netcue").count();
        }
    }
    assert!(seen >= 8, "only {seen} calls found");
}

/// One version, in all places that name it.
#[test]
fn the_package_has_the_version_of_the_program() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changelog = fs::read_to_string(source.join("debian/changelog")).unwrap();
    let start = format!("netcue ({})", env!("CARGO_PKG_VERSION"));
    assert!(changelog.starts_with(&start), "{start}");
}
