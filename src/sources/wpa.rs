//! `wpa_cli` and `hostapd_cli`: the one program that each runs for every event of its daemon.
//!
//! Facts from wpa 2.10's `wpa_cli.c` and `hostapd_cli.c` and recorded calls. They take a path
//! and no words, so a link tells who calls. What they hand on is chosen by whoever is near,
//! and may hold pass phrases: what means nothing here is neither kept nor recorded.

use super::values::details;
use super::{Attach, Call, Manners, OTHER, Part, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Facts, SourceName};

const WORDS: &str = "INTERFACE EVENT [WORD]...";

/// `wpa_cli` of `wpa_supplicant`.
pub(super) static WPA_CLI: Source = Source {
    name: SourceName::fixed("wpa_cli"),
    summary: "wpa_supplicant, by wpa_cli -a",
    which: Which::Word(1),
    places: &[Place::File("/etc/wpa_supplicant/netcue")],
    manners: Manners::PLAIN,
    triggers: &[
        // Associated, and no address yet.
        says("CONNECTED", Some(Action::Change)),
        says("DISCONNECTED", Some(Action::Change)),
        says(OTHER, None).unrecorded(),
    ],
    attach: Attach {
        traces: &["/sbin/wpa_cli", "/usr/sbin/wpa_cli"],
        parts: &[
            Part::Link { at: "/etc/wpa_supplicant/netcue", own_folder: false },
            Part::File {
                at: "/etc/systemd/system/netcue-wpa_cli@.service",
                text: include_str!("../../integrations/wpa_cli/netcue-wpa_cli@.service"),
                own_folder: false,
            },
        ],
        needs: "for each interface, \"systemctl enable --now netcue-wpa_cli@INTERFACE\", or \
                \"wpa_cli -i INTERFACE -a /etc/wpa_supplicant/netcue -B\"",
        reload: Some(("/run/systemd/system", &["/usr/bin/systemctl", "daemon-reload"])),
    },
};

/// `hostapd_cli` of hostapd.
pub(super) static HOSTAPD_CLI: Source = Source {
    name: SourceName::fixed("hostapd_cli"),
    summary: "hostapd, by hostapd_cli -a",
    which: Which::Word(1),
    places: &[Place::File("/etc/hostapd/netcue")],
    manners: Manners::PLAIN,
    triggers: &[
        says("AP-ENABLED", Some(Action::Up)),
        says("AP-DISABLED", Some(Action::Down)),
        // Four for each station that authenticates again.
        says(OTHER, None).unrecorded(),
    ],
    attach: Attach {
        traces: &["/usr/sbin/hostapd_cli"],
        parts: &[
            Part::Link { at: "/etc/hostapd/netcue", own_folder: false },
            Part::File {
                at: "/etc/systemd/system/netcue-hostapd_cli@.service",
                text: include_str!("../../integrations/hostapd_cli/netcue-hostapd_cli@.service"),
                own_folder: false,
            },
        ],
        needs: "for each interface, \"systemctl enable --now netcue-hostapd_cli@INTERFACE\", or \
                \"hostapd_cli -i INTERFACE -a /etc/hostapd/netcue -B\"",
        reload: Some(("/run/systemd/system", &["/usr/bin/systemctl", "daemon-reload"])),
    },
};

/// They wait without a limit, and tell of nothing meanwhile.
const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, WORDS, read)
}

fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    if facts.action.is_none() {
        // The names and the words of others: nothing of it is worth a refusal.
        facts.interface = call.interface(0).ok();
        return Ok(());
    }
    // `global` is the control interface of all of them.
    if call.text(0, "the interface")? != "global" {
        facts.interface = Some(call.interface(0)?);
    }
    match trigger.word {
        "CONNECTED" => facts.detail_text("link", "associated"),
        "DISCONNECTED" => facts.detail_text("link", "disassociated"),
        _ => {}
    }
    details(call, &[("WPA_ID_STR", "id_str")], &[("WPA_ID", "network_id")], facts);
    call.at_most(2, facts);
    Ok(())
}
