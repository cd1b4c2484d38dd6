//! What netcue itself needs: configuration, journal, queue, hooks, kernel.

use super::{Deaf, Examined, Finding, RefusedHook};
use crate::integrate;

pub(super) fn configuration(examined: &Examined) -> Vec<Finding> {
    let name = examined.configuration.display();
    vec![match &examined.bad_configuration {
        None if examined.seen.has(integrate::configuration()) => {
            Finding::ok(format!("{name} is good"))
        }
        None => Finding::ok(format!("there is no {name}: the defaults hold")),
        Some(problem) => Finding::attention(problem, "mend it; \"netcue check\" shows where"),
    }]
}

pub(super) fn journal(examined: &Examined) -> Vec<Finding> {
    let Some(why) = &examined.unread else { return vec![Finding::ok("it can be read")] };
    let what = format!("the last events: {why}");
    vec![if examined.is_root {
        Finding::attention(what, "make it readable: until then nobody knows what happened")
    } else {
        Finding::unknown(what, "run this as root")
    }]
}

pub(super) fn writable(examined: &Examined) -> Vec<Finding> {
    if examined.unwritable.is_empty() {
        return vec![Finding::ok("the queue and the journal can be written to")];
    }
    let finding = |problem: &String| {
        if examined.is_root {
            let to_do = "make room there, or make it writable: until then events are handled, but \
                         not kept or not remembered";
            Finding::attention(problem, to_do)
        } else {
            Finding::unknown(problem, "run this as root")
        }
    };
    examined.unwritable.iter().map(finding).collect()
}

pub(super) fn failed(examined: &Examined) -> Vec<Finding> {
    let (folder, number) = &examined.failed;
    let folder = folder.display();
    vec![match number {
        Err(why) => Finding::unknown(why, "run this as root"),
        Ok(0) => Finding::ok("no event was set aside"),
        Ok(number) => Finding::attention(
            format!("{folder} holds what could not be handled: {number}"),
            format!("see \"netcue history --failed\" for why, then remove the files in {folder}"),
        ),
    }]
}

/// Nothing is said where nothing is handed on, or all of it.
pub(super) fn handing_on(examined: &Examined) -> Vec<Finding> {
    let finding = |problem: &String| {
        Finding::attention(
            problem,
            "see \"netcue ship --cursor NAME --status\", and [journal] in netcue.conf(5) for how \
             much is kept meanwhile",
        )
    };
    examined.handing_on.iter().map(finding).collect()
}

pub(super) fn hooks(examined: &Examined) -> Vec<Finding> {
    let refused = |RefusedHook { path, why, mend }: &RefusedHook| {
        let to_do = "see netcue-hooks(7); a file that is no hook belongs elsewhere";
        let finding = Finding::attention(format!("{} does not run: {why}", path.display()), to_do);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Finding { command: mend.clone(), ..finding }.about(name)
    };
    let unreadable = |why: &String| {
        if examined.is_root {
            Finding::attention(why, "make it readable: its hooks do not run")
        } else {
            Finding::unknown(why, "run this as root")
        }
    };
    let mut findings: Vec<Finding> = examined.unreadable.iter().map(unreadable).collect();
    findings.extend(examined.refused.iter().map(refused));
    let odd = |what: &String| Finding::attention(what, "mend it: see netcue-hooks(7)");
    findings.extend(examined.odd_hooks.iter().map(odd));
    if findings.is_empty() {
        let what = format!("{} may run, none is refused", examined.hooks);
        findings.push(Finding::ok(what));
    }
    findings
}

pub(super) fn nf_tables(examined: &Examined) -> Vec<Finding> {
    vec![match &examined.in_force {
        Err(Deaf { lacks: true, why }) => Finding::attention(
            why,
            "load the modules (modprobe nf_tables nft_chain_nat nft_masq), or use a kernel that \
             has them",
        ),
        Err(Deaf { why, .. }) => Finding::unknown(why, "run this as root"),
        Ok(_) => Finding::ok("the kernel has it"),
    }]
}

pub(super) fn rules(examined: &Examined) -> Vec<Finding> {
    if let Some(path) = &examined.engine_replaced {
        let what = format!("{} takes the place of the built-in engine", path.display());
        return vec![Finding::ok(what)];
    }
    match examined.in_force {
        // Said by the check before.
        Err(_) => Vec::new(),
        Ok(true) => vec![Finding::ok("those the kernel's state calls for are in force")],
        Ok(false) if examined.owner.is_some() => {
            let owner = examined.owner.as_ref();
            let (who, port) = owner.map_or(("", 0), |owner| (owner.who.as_str(), owner.port));
            let what = format!(
                "the rules in force are not those the kernel's state calls for, and only {who} may \
                 change table inet netcue"
            );
            let to_do = "end that process, or have it leave the table to netcue; then \"netcue rules apply\"";
            vec![Finding::attention(what, to_do).mended_by(format!("kill {port}"))]
        }
        Ok(false) => vec![
            Finding::attention(
                "the rules in force are not those the kernel's state calls for",
                "netcue rules apply; \"netcue rules diff\" shows the difference",
            )
            .mended_by("netcue rules apply"),
        ],
    }
}

pub(super) fn sides(examined: &Examined) -> Vec<Finding> {
    if examined.sides.is_empty() {
        let what = "every interface is understood, and every one that is configured is there";
        return vec![Finding::ok(what)];
    }
    let to_do = "see THE RULES in netcue(8), and [interface.NAME] in netcue.conf(5)";
    examined.sides.iter().map(|note| Finding::attention(note, to_do)).collect()
}

pub(super) fn forwarding(examined: &Examined) -> Vec<Finding> {
    let kernel = match &examined.kernel {
        Err(deaf) => return vec![Finding::unknown(&deaf.why, "run this as root")],
        Ok(kernel) => kernel,
    };
    let families = [
        (kernel.passes4, kernel.forwards4, "IPv4", "ipv4"),
        (kernel.passes6, kernel.forwards6, "IPv6", "ipv6"),
    ];
    let off = families.iter().filter(|(passes, forwards, ..)| *passes && !*forwards);
    let mut findings: Vec<Finding> = off
        .map(|(_, _, family, key)| {
            Finding::attention(
                format!(
                    "the kernel forwards no {family}, though there are an inside and an outside"
                ),
                format!(
                    "if this machine is to be a gateway: let the hook 60-forwarding do it, with \
                     \"{key} = yes\" in /etc/netcue/forwarding.conf, and run \"netcue rules \
                     apply\"; set in /etc/sysctl.d, packets would pass before the rules stand"
                ),
            )
        })
        .collect();
    if let (true, Some((path, key))) =
        (kernel.passes4 || kernel.passes6, integrate::opens_early(&examined.seen))
    {
        findings.push(Finding::attention(
            format!(
                "{} sets {key}: while the machine starts, packets pass before the rules stand",
                path.display()
            ),
            "have rules before the first interface is up, with \"netcue enable boot --stage ... \
             --pre-network\", or take the setting out and leave it to the hook 60-forwarding",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(match (kernel.passes4, kernel.passes6) {
            (false, false) => "there are no inside and outside to forward between",
            _ => "on, between inside and outside",
        }));
    }
    findings
}
