//! The scripts in another dispatcher's folder: which of them netcue runs, and why not the others.

use std::path::{Path, PathBuf};

use super::find::{Found, Survey};
use super::judge::{Judge, Judgement, Start};
use crate::config::Adopt;
use crate::paths::Layout;
use crate::profiles::Profile;
use crate::reason::Flaw;
use crate::sys::{files, folder};

/// Scripts by which a dispatcher sets an interface up. They configure it from what ifup read in
/// /etc/network/interfaces, or do what pppd or dhclient leave to them, and where another has set
/// it up they would do it a second time.
const SET_UP: [(Profile, &[&str]); 4] = [
    (
        Profile::Ifupdown,
        &[
            "00check-network-cable",
            "10check-duplicate-ip",
            "10check-duplicate-ip6",
            "20static-routes",
            "bridge",
            "ethtool",
            "hostapd",
            "ifenslave",
            "ip",
            "resolved",
            "ucarp",
            "vlan",
            "wide-dhcpv6-client",
            "wireless-tools",
            "wpasupplicant",
        ],
    ),
    (Profile::Ppp, &["0000usepeerdns", "0dns-up", "0dns-down"]),
    (
        Profile::Dhclient,
        &["avahi-autoipd", "resolvconf", "rfc3442-classless-routes", "zzz_avahi-autoipd"],
    ),
    (Profile::Networkmanager, &["01-ifupdown"]),
];

/// Takes in what a folder holds. One that is missing holds nothing.
pub(super) fn look(adopt: &Adopt, layout: &Layout, judge: &mut Judge, survey: &mut Survey) {
    let folder = layout.below(&adopt.folder);
    let names = match folder::names(&folder) {
        Ok(names) => names,
        Err(error) => return survey.unreadable.push(error),
    };
    for name in names {
        let path = folder.join(&name);
        if files::is_folder(&path) {
            continue;
        }
        let Some(text) = name.to_str() else {
            survey.passed_over.push((path, "its name is not UTF-8".to_owned()));
            continue;
        };
        match look_at(adopt, text, path.clone(), judge) {
            Ok(found) => survey.hooks.push(found),
            Err(why) => survey.passed_over.push((path, why)),
        }
    }
}

/// One file of the folder, or why it is passed over.
fn look_at(adopt: &Adopt, name: &str, path: PathBuf, judge: &mut Judge) -> Result<Found, String> {
    if let Some(why) = adopt.profile.passes_over(name) {
        return Err(why);
    }
    if adopt.skip.iter().any(|skip| skip == name) {
        return Err("\"skip\" in the configuration names it".to_owned());
    }
    let is_set_up =
        |(profile, names): &(Profile, &[&str])| *profile == adopt.profile && names.contains(&name);
    if SET_UP.iter().any(is_set_up) {
        return Err(format!(
            "it sets the interface up for {}, which nobody else needs",
            adopt.profile
        ));
    }
    let start = adopt.profile.shell().map_or(Start::Program, |_| Start::Sourced);
    let (judgement, head) = match judge.hook(&path, start) {
        Err(Judgement::Distrusted(distrust)) if distrust.flaw == Flaw::NotExecutable => {
            return Err(format!("it is not executable, and so {} never ran it", adopt.profile));
        }
        Err(judgement) => (judgement, Vec::new()),
        Ok((file, head)) if leads_to_netcue(&file, &head) => {
            return Err("it leads to netcue".to_owned());
        }
        Ok((file, head)) => (Judgement::Ready(file), head),
    };
    Ok(Found {
        name: adopt.folder.join(name).display().to_string(),
        path,
        judgement,
        beside: None,
        head: String::from_utf8_lossy(&head).into_owned(),
        adopted: Some(adopt.clone()),
    })
}

/// Whether it would make an event of the event: it is the program, or a script that calls it.
fn leads_to_netcue(file: &Path, head: &[u8]) -> bool {
    let calls = |line: &str| !line.trim_start().starts_with('#') && line.contains("netcue from ");
    file.file_name().is_some_and(|name| name == "netcue")
        || !head.starts_with(b"\x7fELF") && String::from_utf8_lossy(head).lines().any(calls)
}
