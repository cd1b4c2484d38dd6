//! What an outsider should not see, replaced by stand-ins: the same by the same, so that
//! what belongs together still does.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

/// Details that say nothing about a person, a place or a contract; all others are replaced.
const HARMLESS: [&str; 63] = [
    "addresses_of",
    "administrative_state",
    "bytes_rcvd",
    "bytes_sent",
    "carrier",
    "changed",
    "class",
    "connect_time",
    "connectivity",
    "context",
    "current",
    "device",
    "device_event",
    "device_type",
    "dhclient_pid",
    "driver",
    "external",
    "forward_mode",
    "funcid",
    "if_id_in",
    "if_id_out",
    "ifindex",
    "instance",
    "ipmasq",
    "lease_time",
    "link",
    "lower",
    "manfid",
    "method",
    "metric",
    "mtu",
    "new_local",
    "new_remote",
    "old_local",
    "old_remote",
    "openvpn_pid",
    "operational_state",
    "orig_uid",
    "peer",
    "pppd_pid",
    "prefix_length",
    "previous",
    "priority",
    "protocol",
    "replay_of",
    "reqid",
    "role",
    "router",
    "router_flags",
    "router_lifetime",
    "runlevel",
    "scope",
    "sequence",
    "signal",
    "socket",
    "speed",
    "stage",
    "type",
    "unique_id",
    "unit",
    "use",
    "vpn_pid",
    "vrrp_state",
];

/// The networks that RFC 5737 keeps for documentation, then those of RFC 2544.
const DOCUMENTATION: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];

/// What has been replaced by what so far.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    networks4: BTreeMap<[u8; 3], usize>,
    networks6: BTreeMap<[u16; 3], u16>,
    hosts6: BTreeMap<u64, u64>,
    hardware: BTreeMap<String, usize>,
    texts: BTreeMap<String, usize>,
}

impl Redaction {
    /// A JSON value, with all strings and names in it.
    pub(crate) fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("details", Value::Object(details)) => {
                            for (name, detail) in details {
                                self.detail(name, detail);
                            }
                        }
                        // So may a word that was not understood, and the facts have the others.
                        ("argv", Value::Array(words)) => words.clear(),
                        // What a hook printed may be anything.
                        ("output", Value::String(output)) => {
                            *output = format!("({} bytes left out)", output.len());
                        }
                        (_, value) => self.value(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn detail(&mut self, name: &str, detail: &mut Value) {
        if HARMLESS.contains(&name) {
            return self.value(detail);
        }
        match detail {
            Value::String(text) => *text = self.stand_in(text),
            Value::Array(texts) => texts.iter_mut().for_each(|text| self.detail(name, text)),
            // A number nobody knows may be that of a telephone.
            Value::Number(number) => *detail = self.stand_in(&number.to_string()).into(),
            _ => {}
        }
    }

    fn stand_in(&mut self, text: &str) -> String {
        let next = self.texts.len() + 1;
        let number = *self.texts.entry(text.to_owned()).or_insert(next);
        format!("redacted-{number}")
    }

    /// Text of ours, such as rules: every address in it, and every detail that was replaced.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/');
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            result.push_str(before);
            // A sentence may end behind an address.
            let bare = word.trim_end_matches(['.', ':']);
            result.push_str(&self.word(bare));
            result.push_str(word.get(bare.len()..).unwrap_or_default());
            rest = after;
        }
        result.push_str(rest);
        for (secret, number) in &self.texts {
            // Shorter ones would be found in words of ours.
            if secret.len() >= 4 {
                result = result.replace(secret, &format!("redacted-{number}"));
            }
        }
        result
    }

    fn word(&mut self, word: &str) -> String {
        if let Ok(address) = word.parse::<IpAddr>() {
            return self.address(address).to_string();
        }
        if let Some((address, prefix)) = word.split_once('/') {
            if let (Ok(address), Ok(prefix)) = (address.parse(), prefix.parse()) {
                return format!("{}/{prefix}", self.network(address, prefix));
            }
        }
        if is_hardware(word) {
            let next = self.hardware.len() + 1;
            let number = *self.hardware.entry(word.to_ascii_lowercase()).or_insert(next);
            return format!("02:00:00:00:{:02x}:{:02x}", number / 256 % 256, number % 256);
        }
        word.to_owned()
    }

    /// A network keeps its length, so what lies beyond that has to stay zero where it was.
    fn network(&mut self, address: IpAddr, prefix: u8) -> IpAddr {
        // Not even a country is known by so few bits.
        if prefix < 8 {
            return address;
        }
        let mapped = self.address(address);
        match (address, mapped) {
            (IpAddr::V4(old), IpAddr::V4(new)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
                let is_network = old.to_bits() & !mask == 0;
                if is_network { Ipv4Addr::from_bits(new.to_bits() & mask).into() } else { mapped }
            }
            (IpAddr::V6(old), IpAddr::V6(new)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
                let is_network = old.to_bits() & !mask == 0;
                if is_network { Ipv6Addr::from_bits(new.to_bits() & mask).into() } else { mapped }
            }
            _ => mapped,
        }
    }

    fn address(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) if is_public4(address) => self.public4(address).into(),
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => self.any6(address).into(),
        }
    }

    /// Hosts of one /24 stay in one /24, with their last number.
    fn public4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        let [a, b, c, host] = address.octets();
        let next = self.networks4.len();
        let number = *self.networks4.entry([a, b, c]).or_insert(next);
        let [a, b, c] = DOCUMENTATION.get(number).copied().unwrap_or_else(|| {
            let [.., high, low] = (number - DOCUMENTATION.len()).to_be_bytes();
            [198, 18 + high % 2, low]
        });
        Ipv4Addr::new(a, b, c, host)
    }

    /// Hosts of one /48 stay in one /48; the lower half, which may hold a MAC address, is
    /// replaced in every network, unless it is a small number.
    fn any6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        let is_special =
            address.is_loopback() || address.is_multicast() || address.is_unspecified();
        if is_special {
            return address;
        }
        let [a, b, c, d, ..] = address.segments();
        let is_public = a & 0xe000 == 0x2000 && (a, b) != (0x2001, 0x0db8);
        let upper = if is_public {
            let next = u16::try_from(self.networks6.len() + 1).unwrap_or(u16::MAX);
            let number = *self.networks6.entry([a, b, c]).or_insert(next);
            [0x2001, 0x0db8, number, d]
        } else {
            [a, b, c, d]
        };
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
        let host = address.to_bits() as u64;
        let host = if host <= 0xffff {
            host
        } else {
            let next = 0x1_0000 + self.hosts6.len() as u64;
            *self.hosts6.entry(host).or_insert(next)
        };
        let upper = upper.iter().fold(0_u128, |bits, segment| (bits << 16) | u128::from(*segment));
        Ipv6Addr::from_bits((upper << 64) | u128::from(host))
    }
}

fn is_public4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (18..20).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || is_shared
        || is_benchmark
        || a == 0
        || a >= 224)
}

/// Six pairs of digits with colons between them.
fn is_hardware(word: &str) -> bool {
    word.len() == 17
        && word.split(':').count() == 6
        && word.split(':').all(|pair| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_replaced_by_the_same_and_networks_hold_together() {
        let mut redaction = Redaction::default();
        for (text, expected) in [
            ("default via 81.2.69.1.", "default via 192.0.2.1."),
            ("81.2.69.0/24 81.2.69.77/24", "192.0.2.0/24 192.0.2.77/24"),
            ("from 81.2.70.9 to 10.0.0.1", "from 198.51.100.9 to 10.0.0.1"),
            (
                "100.64.0.1 169.254.1.1 127.0.0.1 0.0.0.0",
                "100.64.0.1 169.254.1.1 127.0.0.1 0.0.0.0",
            ),
            ("128.0.0.0/1", "128.0.0.0/1"),
            ("81.0.0.0/8", "203.0.0.0/8"),
            ("{ 2a01:4f8:7:1::/64 }", "{ 2001:db8:1:1::/64 }"),
            ("2a01:4f8:7:2::5,fe80::1", "2001:db8:1:2::5,fe80::1"),
            ("fe80::2aa:bbff:fecc:ddee/64", "fe80::1:0/64"),
            ("2a01:4f8:7:1:2aa:bbff:fecc:ddee", "2001:db8:1:1::1:0"),
            (
                "mac 00:AA:bb:cc:dd:ee, 00:aa:bb:cc:dd:ee",
                "mac 02:00:00:00:00:01, 02:00:00:00:00:01",
            ),
            ("10:42:07 and v1.2.3", "10:42:07 and v1.2.3"),
        ] {
            assert_eq!(redaction.text(text), expected, "{text}");
        }
    }

    #[test]
    fn details_and_output_are_replaced_wherever_they_are() {
        let mut redaction = Redaction::default();
        let mut value = serde_json::json!({
            "details": {
                "peer_name": "carol", "remote_number": "+49305550123", "speed": 38400,
                "wins": ["81.2.69.9"], "telephone": 4_930_555_u32, "old_local": "81.2.69.5",
            },
            "output": "password: hunter2\n",
            "reason": "carol hung up",
        });
        redaction.value(&mut value);
        let text = value.to_string();
        for secret in ["carol", "4930", "81.2.69", "hunter2"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!(value["details"]["speed"], 38400);
        assert_eq!(value["details"]["old_local"], "192.0.2.5");
        assert_eq!(value["output"], "(18 bytes left out)");
    }
}
