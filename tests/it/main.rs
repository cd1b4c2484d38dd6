//! All tests that look at netcue from outside, in one binary: the real program, the real
//! kernel and real peers, in throw-away roots and network namespaces.
//!
//! `cfg(test)` holds here anyway; it tells clippy that helpers are tests too.

#[cfg(test)]
mod adopt;
#[cfg(test)]
mod adopt_doctor;
#[cfg(test)]
mod aftermath;
#[cfg(test)]
mod attention;
#[cfg(test)]
mod boot;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod broken_journal;
#[cfg(test)]
mod broken_queue;
#[cfg(test)]
mod broken_rights;
#[cfg(test)]
mod burst;
#[cfg(test)]
mod call;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod closed;
#[cfg(test)]
mod closed_links;
mod coalesce;
#[cfg(test)]
mod configure;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crash_double;
#[cfg(test)]
mod crash_random;
#[cfg(test)]
mod crash_repeated;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod doctor_firewalls;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod doubles;
#[cfg(test)]
mod emit;
#[cfg(test)]
mod enable;
#[cfg(test)]
mod enable_boot;
#[cfg(test)]
mod enable_diald;
#[cfg(test)]
mod enable_kernel;
#[cfg(test)]
mod enable_parts;
#[cfg(test)]
mod enable_pcmcia;
#[cfg(test)]
mod enable_ppp;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod examples_command;
#[cfg(test)]
mod examples_conf;
#[cfg(test)]
mod examples_hooks;
#[cfg(test)]
mod examples_migrate;
#[cfg(test)]
mod examples_readme;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod follow_up;
#[cfg(test)]
mod forwarded;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hooks_check;
#[cfg(test)]
mod hooks_choice;
#[cfg(test)]
mod hooks_end;
#[cfg(test)]
mod hooks_found;
#[cfg(test)]
mod hooks_limits;
#[cfg(test)]
mod hooks_world;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod integrations;
#[cfg(test)]
mod kernel_reader;
#[cfg(test)]
mod layout;
#[cfg(test)]
mod load;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod manual;
#[cfg(test)]
mod mdoc;
#[cfg(test)]
mod misbehaving;
#[cfg(test)]
mod namespaces;
#[cfg(test)]
mod own_rules;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod places;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod protected;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod real_callers;
#[cfg(test)]
mod real_leases;
#[cfg(test)]
mod real_managers;
#[cfg(test)]
mod real_tunnels;
#[cfg(test)]
mod real_vpns;
#[cfg(test)]
mod real_wpa;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod rules_ahead;
#[cfg(test)]
mod report;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod server;
#[cfg(test)]
mod ship;
#[cfg(test)]
mod ship_clients;
#[cfg(test)]
mod shipped_hooks;
#[cfg(test)]
mod show;
#[cfg(test)]
mod show_answers;
#[cfg(test)]
mod show_search;
#[cfg(test)]
mod show_source;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod timeline;
#[cfg(test)]
mod tracer;
#[cfg(test)]
mod trial;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod try_hook;
#[cfg(test)]
mod unit;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod watch_changes;
#[cfg(test)]
mod watch_deaf;
#[cfg(test)]
mod watch_loops;
#[cfg(test)]
mod watch_sockets;
#[cfg(test)]
mod why;
