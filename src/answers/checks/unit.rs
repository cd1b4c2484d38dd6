//! netcue's own unit: what calls leave and what is killed with its caller is finished by it.

use super::{Examined, Finding, OwnUnit};
use crate::sys::systemd::Unit;

const PATH: &str = "netcue-queue.path";
const SERVICE: &str = "netcue-queue.service";

pub(super) fn unit(examined: &Examined) -> Vec<Finding> {
    let Some(OwnUnit { asked, is_installed, listens }) = &examined.unit else { return Vec::new() };
    match asked {
        Some((Ok(path), Ok(service))) => vec![judge(path, service, *listens)],
        Some((Err(why), _) | (_, Err(why))) => {
            vec![Finding::unknown(why, format!("see \"systemctl status {PATH}\""))]
        }
        None if *is_installed && !*listens => {
            let what = format!("{PATH} is not active, or its socket does not listen");
            let to_do = "\"netcue doctor\" asks systemd why";
            vec![Finding::attention(what, to_do).mended_by(format!("systemctl restart {PATH}"))]
        }
        None => Vec::new(),
    }
}

fn judge(path: &Unit, service: &Unit, listens: bool) -> Finding {
    let without = "hooks run where their caller does, and what is killed with its caller waits \
                   for the next call";
    let trouble =
        |what: String, to_do: &str| Finding::attention(format!("{what}: {without}"), to_do);
    if path.load == "not-found" {
        let what = format!("{PATH} is not installed: {without}");
        return Finding::unknown(what, "\"make install\" or the package puts it in place");
    }
    for (name, unit) in [(PATH, path), (SERVICE, service)] {
        if unit.load == "masked" {
            let to_do = format!("systemctl unmask {name} && systemctl enable --now {PATH}");
            return trouble(format!("{name} is masked"), &to_do);
        }
    }
    if path.active != "active" {
        let result = if path.result == "success" { "" } else { &path.result };
        let why = if result.is_empty() { String::new() } else { format!(" ({result})") };
        let to_do = format!(
            "systemctl enable --now {PATH}; \"systemctl status {PATH} {SERVICE}\" says why it ended"
        );
        return trouble(format!("{PATH} is {}{why}", path.active), &to_do);
    }
    if !listens {
        return trouble(
            "netcue-queue.socket does not listen".to_owned(),
            "systemctl restart netcue-queue.path; if that does not help, see \"systemctl status \
             netcue-queue.socket\"",
        );
    }
    if service.active == "failed" {
        return trouble(
            format!("{SERVICE} fails ({})", service.result),
            "see \"systemctl status netcue-queue.service\"; it is tried again as long as \
             something waits",
        );
    }
    if path.file == "disabled" {
        return trouble(
            format!("{PATH} is not enabled, and will not be there after the next start"),
            "systemctl enable netcue-queue.path",
        );
    }
    Finding::ok(format!("{PATH} is active, and its socket listens"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::checks::State;

    fn unit(active: &str, result: &str, file: &str) -> Unit {
        let [active, result, file] = [active, result, file].map(ToOwned::to_owned);
        Unit { load: "loaded".to_owned(), active, result, file }
    }

    #[test]
    fn a_dead_unit_is_named_with_what_it_died_of() {
        let well = || unit("active", "success", "enabled");
        let service = || unit("inactive", "success", "static");
        let masked = |unit: Unit| Unit { load: "masked".to_owned(), ..unit };
        assert_eq!(judge(&well(), &service(), true).state, State::Ok);
        for (path, service, listens, what) in [
            (unit("failed", "trigger-limit-hit", "enabled"), service(), false, "trigger-limit-hit"),
            (unit("inactive", "success", "disabled"), service(), false, "path is inactive:"),
            (masked(well()), service(), true, "path is masked"),
            (well(), masked(service()), true, "service is masked"),
            (well(), service(), false, "does not listen"),
            (well(), unit("failed", "start-limit-hit", "static"), true, "start-limit-hit"),
            (unit("active", "success", "disabled"), service(), true, "is not enabled"),
        ] {
            let finding = judge(&path, &service, listens);
            assert_eq!(finding.state, State::Attention, "{finding:?}");
            assert!(finding.what.contains(what), "{finding:?}");
        }
    }
}
