//! What netcue itself needs: configuration, journal, queue, hooks, kernel.

use super::{Deaf, Examined, Finding};
use crate::integrate;

pub(super) fn configuration(examined: &Examined) -> Vec<Finding> {
    let name = examined.configuration.display();
    vec![match &examined.bad_configuration {
        None if examined.seen.has(integrate::configuration()) => {
            Finding::ok("configuration", format!("{name} is good"))
        }
        None => Finding::ok("configuration", format!("there is no {name}: the defaults hold")),
        Some(problem) => {
            Finding::attention("configuration", problem, "mend it; \"netcue check\" shows where")
        }
    }]
}

pub(super) fn writable(examined: &Examined) -> Vec<Finding> {
    if examined.unwritable.is_empty() {
        return vec![Finding::ok("storage", "the queue and the journal can be written to")];
    }
    let finding = |problem: &String| {
        if examined.is_root {
            let to_do = "make room there, or make it writable: until then events are handled, but \
                         not kept or not remembered";
            Finding::attention("storage", problem, to_do)
        } else {
            Finding::unknown("storage", problem, "run this as root")
        }
    };
    examined.unwritable.iter().map(finding).collect()
}

pub(super) fn queue(examined: &Examined) -> Vec<Finding> {
    vec![match &examined.waiting {
        Err(why) => Finding::unknown("queue", why, "run this as root"),
        Ok(None) => Finding::ok("queue", "no event waits"),
        Ok(Some((age, number))) if examined.idle && *age > examined.longest_wait => {
            Finding::attention(
                "queue",
                format!("{} for {age} s and nobody handles them", waiting(*number)),
                "run \"netcue run\", and see \"netcue history\" for why it was not done",
            )
        }
        Ok(Some((age, number))) => {
            Finding::ok("queue", format!("{}, the oldest for {age} s", waiting(*number)))
        }
    }]
}

fn waiting(number: usize) -> String {
    match number {
        1 => "1 event waits".to_owned(),
        number => format!("{number} events wait"),
    }
}

pub(super) fn failed(examined: &Examined) -> Vec<Finding> {
    let (folder, number) = &examined.failed;
    let folder = folder.display();
    vec![match number {
        Err(why) => Finding::unknown("set-aside", why, "run this as root"),
        Ok(0) => Finding::ok("set-aside", "no event was set aside"),
        Ok(number) => Finding::attention(
            "set-aside",
            format!("{folder} holds what could not be handled: {number}"),
            format!("see \"netcue history --failed\" for why, then remove the files in {folder}"),
        ),
    }]
}

/// Nothing is said where nothing is handed on, or all of it.
pub(super) fn handing_on(examined: &Examined) -> Vec<Finding> {
    let finding = |problem: &String| {
        Finding::attention(
            "handing-on",
            problem,
            "see \"netcue ship --cursor NAME --status\", and [journal] in netcue.conf(5) for how \
             much is kept meanwhile",
        )
    };
    examined.handing_on.iter().map(finding).collect()
}

pub(super) fn hooks(examined: &Examined) -> Vec<Finding> {
    let refused = |(path, why): &(std::path::PathBuf, String)| {
        let to_do = "see netcue-hooks(7); a file that is no hook belongs elsewhere";
        Finding::attention("hooks", format!("{} does not run: {why}", path.display()), to_do)
    };
    let unreadable = |why: &String| {
        if examined.is_root {
            Finding::attention("hooks", why, "make it readable: its hooks do not run")
        } else {
            Finding::unknown("hooks", why, "run this as root")
        }
    };
    let mut findings: Vec<Finding> = examined.unreadable.iter().map(unreadable).collect();
    findings.extend(examined.refused.iter().map(refused));
    let odd = |what: &String| Finding::attention("hooks", what, "mend it: see netcue-hooks(7)");
    findings.extend(examined.odd_hooks.iter().map(odd));
    if findings.is_empty() {
        let what = format!("{} may run, none is refused", examined.hooks);
        findings.push(Finding::ok("hooks", what));
    }
    findings
}

pub(super) fn nf_tables(examined: &Examined) -> Vec<Finding> {
    vec![match &examined.in_force {
        Err(Deaf { lacks: true, why }) => Finding::attention(
            "nf_tables",
            why,
            "load the modules (modprobe nf_tables nft_chain_nat nft_masq), or use a kernel that \
             has them",
        ),
        Err(Deaf { why, .. }) => Finding::unknown("nf_tables", why, "run this as root"),
        Ok(_) => Finding::ok("nf_tables", "the kernel has it"),
    }]
}

pub(super) fn rules(examined: &Examined) -> Vec<Finding> {
    if let Some(path) = &examined.engine_replaced {
        let what = format!("{} takes the place of the built-in engine", path.display());
        return vec![Finding::ok("rules", what)];
    }
    match examined.in_force {
        // Said by the check before.
        Err(_) => Vec::new(),
        Ok(true) => vec![Finding::ok("rules", "those the kernel's state calls for are in force")],
        Ok(false) => vec![Finding::attention(
            "rules",
            "those in force are not what the kernel's state calls for",
            "netcue rules apply; \"netcue rules diff\" shows the difference",
        )],
    }
}

pub(super) fn sides(examined: &Examined) -> Vec<Finding> {
    if examined.sides.is_empty() {
        let what = "every interface is understood, and every one that is configured is there";
        return vec![Finding::ok("sides", what)];
    }
    let to_do = "see THE RULES in netcue(8), and [interface.NAME] in netcue.conf(5)";
    examined.sides.iter().map(|note| Finding::attention("sides", note, to_do)).collect()
}

pub(super) fn forwarding(examined: &Examined) -> Vec<Finding> {
    let kernel = match &examined.kernel {
        Err(deaf) => return vec![Finding::unknown("forwarding", &deaf.why, "run this as root")],
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
                "forwarding",
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
    if findings.is_empty() {
        findings.push(Finding::ok(
            "forwarding",
            match (kernel.passes4, kernel.passes6) {
                (false, false) => "there are no inside and outside to forward between",
                _ => "on, between inside and outside",
            },
        ));
    }
    findings
}
