//! The completion scripts, as the shells read them, and the files that the README names.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const NETCUE: &str = env!("CARGO_BIN_EXE_netcue");

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// Runs a script with netcue in its PATH.
fn run(script: &str, folder: &TempDir) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let ours = Path::new(NETCUE).parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-euc", script])
        .env("PATH", format!("{ours}:{path}:/usr/sbin:/sbin"))
        .current_dir(folder)
        .output()
        .unwrap();
    text_of(&output)
}

fn text_of(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_readme_names_only_files_that_are_there() {
    let text = readme();
    for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target);
        assert!(path.is_file(), "{target}");
    }
}

/// Root often has no Rust, and `make build` was somebody else's.
#[test]
fn make_installs_without_rust_what_was_built_before() {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("any-host/release/netcue");
    let install = || {
        Command::new("make")
            .args(["--silent", "install", "HOST="])
            .arg(format!("DESTDIR={}/there", folder.path().display()))
            .env("CARGO_TARGET_DIR", folder.path())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap()
    };
    let ended = install();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && said.contains("\"make build\""), "{said}");
    assert!(!folder.path().join("there").exists());
    fs::create_dir_all(built.parent().unwrap()).unwrap();
    fs::copy(NETCUE, &built).unwrap();
    text_of(&install());
    let program = folder.path().join("there/usr/sbin/netcue");
    assert!(text_of(&Command::new(program).arg("--version").output().unwrap()).contains("netcue"));
}

#[test]
fn each_shell_reads_its_completion_script() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = text_of(&Command::new(NETCUE).args(["completions", shell]).output().unwrap());
        for command in netcue::cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        text_of(&Command::new(shell).arg(check).arg(&path).output().unwrap());
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let script = "netcue completions bash > script
        exec bash -euc '. ./script
            COMP_WORDS=(netcue his) COMP_CWORD=1
            _netcue netcue his netcue; echo ${COMPREPLY[*]}
            COMP_WORDS=(netcue history --fa) COMP_CWORD=2
            _netcue netcue --fa history; echo ${COMPREPLY[*]}'";
    assert_eq!(run(script, &folder), "history\n--failed\n");
}

#[test]
fn shells_complete_names_that_only_the_machine_knows() {
    let scene = crate::scene::Scene::new();
    scene.gateway();
    scene.hook("70-mail", "#!/bin/sh\n").hook("70-more", "#!/bin/sh\n");
    scene.ip_up();
    let id = crate::replay::last_id(&scene);
    let names = |words: &str| {
        let call = scene.netcue(["completions", "bash", "--names"]);
        call.words(words.split(' ')).any_stdout().run().stdout
    };
    assert_eq!(names("try 70-m"), "70-mail\n70-more\n");
    assert_eq!(names("from pp"), "ppp\n");
    assert!(names("from ppp ip-").contains("ip-pre-up\n"));
    let beginning: String = id.chars().take(8).collect();
    let completed = names(&format!("replay {beginning}"));
    assert!(completed.len() > 8 && id.starts_with(completed.trim_end()), "{completed}");
    assert_eq!(names("emit --action pre-d"), "pre-down\n");
    // Those of the machine that is looked at; lo is on every one.
    assert!(names("emit --interface ").contains("lo\n"));
    assert_eq!(names("status "), "");
    // The real shells, with a program on their way that knows this root.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("netcue");
    let text = format!("#!/bin/sh\nexec {NETCUE} --root {} \"$@\"\n", scene.root().display());
    crate::scene::write_file(&program, text.as_bytes(), 0o755);
    for (shell, line) in [
        (
            "bash",
            "netcue completions bash > s; . ./s; COMP_WORDS=(netcue try 70-m) COMP_CWORD=2
             _netcue_and_names netcue 70-m try; printf '%s\\n' \"${COMPREPLY[@]}\" | grep 70-",
        ),
        ("fish", "netcue completions fish | source; complete -C 'netcue try 70-m' | grep 70-"),
    ] {
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let mut call = Command::new(shell);
        call.args(["-c", line]).env("PATH", path).env("HOME", folder.path());
        let said = text_of(&call.current_dir(folder.path()).output().unwrap());
        assert_eq!(said, "70-mail\n70-more\n", "{shell}");
    }
}
