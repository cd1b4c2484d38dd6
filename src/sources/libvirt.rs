//! libvirt: the hook of its virtual networks, with the network's XML on stdin.
//!
//! Facts from libvirt's `docs/hooks.rst` and recorded calls. A failure at `start` keeps the
//! network from starting. The bridge stands in the XML alone.

use roxmltree::{Document, Node, ParsingOptions};

use super::values::{address, addressed_by, netmask, prefix};
use super::{Attach, Call, Manners, OTHER, Part, Place, Refusal, Source, Trigger, Wait, Which};
use crate::event::{Action, Cidr, Facts, Family, InterfaceName, SourceName};

const WORDS: &str = "NETWORK OPERATION [SUB-OPERATION [EXTRA]]";

/// libvirt.
pub(super) static SOURCE: Source = Source {
    name: SourceName::fixed("libvirt"),
    summary: "libvirt, by the hook of its networks",
    which: Which::Word(1),
    places: &[
        Place::File("/etc/libvirt/hooks/network"),
        Place::Folder("/etc/libvirt/hooks/network.d"),
    ],
    manners: Manners { speaks_on_stdin: true, ..Manners::MINDFUL },
    triggers: &[
        says("start", Some(Action::PreUp)),
        says("started", Some(Action::Up)),
        says("updated", Some(Action::Change)),
        says("port-created", Some(Action::Change)),
        says("port-deleted", Some(Action::Change)),
        says("plugged", Some(Action::Change)),
        says("unplugged", Some(Action::Change)),
        says("stopped", Some(Action::Down)),
        says(OTHER, None),
    ],
    attach: Attach {
        traces: &["/usr/sbin/libvirtd", "/usr/sbin/virtnetworkd", "/etc/libvirt"],
        parts: &[Part::Link { at: "/etc/libvirt/hooks/network.d/netcue", own_folder: true }],
        needs: "libvirtd looks for hooks when it starts: \"systemctl reload libvirtd\" where it \
                runs",
        reload: Some(("/run/libvirt/libvirt-sock", &["/usr/bin/systemctl", "reload", "libvirtd"])),
    },
};

/// libvirtd stops for this network until the hook has ended.
const fn says(word: &'static str, action: Option<Action>) -> Trigger {
    Trigger::new(word, action, Wait::Deposit, WORDS, read)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of the table; others refuse")]
fn read(call: &Call<'_>, trigger: &Trigger, facts: &mut Facts) -> Result<(), Refusal> {
    let network = call.optional(0, "network", facts);
    facts.detail_text("network", network);
    let stage = call.optional(2, "stage", facts);
    facts.detail_text("stage", stage);
    let stands = matches!(trigger.word, "start" | "started" | "updated");
    if !call.stdin.is_empty() {
        match described(call.stdin, stands, facts) {
            Ok(()) => {}
            Err(why) => facts.warn("stdin", &why),
        }
    }
    facts.facts_complete = stands && facts.local.is_some() && facts.warnings.is_empty();
    call.at_most(4, facts);
    Ok(())
}

/// What the XML says. It is read without entities of its own, and nothing is fetched.
fn described(xml: &[u8], stands: bool, facts: &mut Facts) -> Result<(), String> {
    let text = std::str::from_utf8(xml).map_err(|error| error.to_string())?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: 16_384 };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| format!("not XML as libvirt writes it: {error}"))?;
    let root = document.root_element();
    let Some(network) = child(root, "network") else {
        return Err("no network in it".to_owned());
    };
    if let Some(name) = child(network, "bridge").and_then(|bridge| bridge.attribute("name")) {
        match name.parse::<InterfaceName>() {
            Ok(name) => facts.interface = Some(name),
            Err(unfit) => facts.warn("bridge", &unfit.0),
        }
    }
    let mode = child(network, "forward").map(|forward| forward.attribute("mode").unwrap_or("nat"));
    facts.detail_text("forward_mode", mode.unwrap_or(""));
    let domain = child(network, "domain").and_then(|domain| domain.attribute("name"));
    facts.detail_text("domain", domain.unwrap_or(""));
    if stands {
        let own = network.children().filter(|node| node.has_tag_name("ip"));
        let known: Vec<Cidr> = own.filter_map(|ip| of_the_bridge(ip, facts)).collect();
        addressed_by(known, facts);
    }
    Ok(())
}

fn child<'a, 'input>(of: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    of.children().find(|node| node.has_tag_name(name))
}

fn of_the_bridge(ip: Node<'_, '_>, facts: &mut Facts) -> Option<Cidr> {
    let address = address(ip.attribute("address")?, "ip", facts)?;
    let bits = match ip.attribute("prefix") {
        Some(bits) => prefix(Family::of(address), bits, "prefix", facts),
        None => netmask(ip.attribute("netmask").unwrap_or(""), "netmask", facts),
    };
    Some(Cidr { address, prefix: bits? })
}
