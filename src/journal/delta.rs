//! How one state of the kernel differs from another: on a host with hundreds of interfaces
//! the whole of it, at every change, would soon be all that the journal holds.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::sys::state::{Address, KernelState, Link, PolicyRule, Remembered, Route};

/// What to do with one state to get another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delta {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Edit<Link>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<Edit<Address>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Edit<Route>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy_rules: Vec<Edit<PolicyRule>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Edit<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remembered: Vec<Edit<Remembered>>,
}

/// At one place of a list some items go and others come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Edit<T> {
    /// The place in the old list.
    at: usize,
    /// How many go.
    #[serde(default)]
    gone: usize,
    /// Those that come.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    come: Vec<T>,
}

impl Delta {
    /// What makes `new` of `old`.
    #[must_use]
    pub fn between(old: &KernelState, new: &KernelState) -> Self {
        Self {
            links: edits(&old.links, &new.links),
            addresses: edits(&old.addresses, &new.addresses),
            routes: edits(&old.routes, &new.routes),
            policy_rules: edits(&old.policy_rules, &new.policy_rules),
            notes: edits(&old.notes, &new.notes),
            remembered: edits(&old.remembered, &new.remembered),
        }
    }

    /// The new state, order and all; none if this belongs to another old one.
    #[must_use]
    pub fn applied_to(&self, old: &KernelState) -> Option<KernelState> {
        Some(KernelState {
            links: edited(&old.links, &self.links)?,
            addresses: edited(&old.addresses, &self.addresses)?,
            routes: edited(&old.routes, &self.routes)?,
            policy_rules: edited(&old.policy_rules, &self.policy_rules)?,
            notes: edited(&old.notes, &self.notes)?,
            remembered: edited(&old.remembered, &self.remembered)?,
        })
    }
}

fn edits<T: Clone + Ord + std::hash::Hash>(old: &[T], new: &[T]) -> Vec<Edit<T>> {
    let parts = capture_diff_slices(Algorithm::Myers, old, new);
    let changed = parts.iter().filter(|part| !matches!(part, DiffOp::Equal { .. }));
    changed
        .map(|part| Edit {
            at: part.old_range().start,
            gone: part.old_range().len(),
            come: new.get(part.new_range()).unwrap_or_default().to_vec(),
        })
        .collect()
}

fn edited<T: Clone>(old: &[T], edits: &[Edit<T>]) -> Option<Vec<T>> {
    let mut new = Vec::new();
    let mut kept = 0;
    for edit in edits {
        new.extend_from_slice(old.get(kept..edit.at)?);
        new.extend_from_slice(&edit.come);
        kept = edit.at.checked_add(edit.gone)?;
    }
    new.extend_from_slice(old.get(kept..)?);
    Some(new)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn state() -> impl Strategy<Value = KernelState> {
        let address = |host: u8| Address {
            ifindex: 1,
            local: std::net::Ipv4Addr::new(192, 0, 2, host).into(),
            prefix: 24,
            peer: None,
            leased: false,
        };
        let addresses =
            vec(0u8..6, 0..12).prop_map(move |hosts| hosts.into_iter().map(address).collect());
        (addresses, vec("[ab]", 0..6)).prop_map(|(addresses, notes)| KernelState {
            addresses,
            notes,
            ..Default::default()
        })
    }

    proptest! {
        #[test]
        fn a_change_leads_from_the_one_state_to_the_other(old in state(), new in state()) {
            let delta = Delta::between(&old, &new);
            let json = serde_json::to_string(&delta).unwrap();
            let delta: Delta = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(delta.applied_to(&old), Some(new.clone()));
            prop_assert_eq!(old == new, json == "{}");
        }

        #[test]
        fn a_change_of_something_else_is_never_more_than_none(
            one in state(), other in state(), third in state(),
        ) {
            let _ = Delta::between(&one, &other).applied_to(&third);
        }
    }

    #[test]
    fn what_points_beyond_the_old_state_is_refused() {
        for json in [
            r#"{"notes":[{"at":1}]}"#,
            r#"{"notes":[{"at":0,"gone":2}]}"#,
            r#"{"notes":[{"at":0,"gone":18446744073709551615},{"at":0}]}"#,
            r#"{"notes":[{"at":1,"gone":18446744073709551615}]}"#,
        ] {
            let delta: Delta = serde_json::from_str(json).unwrap();
            assert_eq!(delta.applied_to(&KernelState::default()), None, "{json}");
        }
    }
}
