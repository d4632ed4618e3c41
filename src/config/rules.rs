//! Checks the rules between keys.

use std::time::Duration;

use lastcall_actors::Timeline;

use super::Config;
use super::reader::Reader;

impl Config {
    /// Checks the rules between keys.
    pub(super) fn check_together(&self, read: &mut Reader) {
        let timed = read.is_sound("jobs.heartbeat") && read.is_sound("jobs.lease");
        if timed && self.jobs.heartbeat * 2 > self.jobs.lease {
            read.fault(
                "jobs.heartbeat",
                "at most half of jobs.lease, so that one lost heartbeat loses no job",
            );
        }
        self.check_addresses(read);
        self.check_phases(read);
    }

    fn check_addresses(&self, read: &mut Reader) {
        let bind = self.server.bind;
        let is_open = self.auth.is_open() && !self.auth.allow_anonymous;
        let addresses = [
            ("server.bind", Some(bind)),
            ("server.admin_bind", self.server.admin_bind),
        ];
        for (key, address) in addresses {
            let reachable = address.is_some_and(|address| !address.ip().is_loopback());
            if reachable && is_open && read.is_sound("auth.mode") {
                let rule = format!(
                    "\"keys\" or \"jwt\" on an address that is not loopback ({key}), or auth.allow_anonymous = true"
                );
                read.fault("auth.mode", &rule);
            }
        }
        if self.auth.is_open() && self.server.cors_origins.iter().any(|origin| origin == "*") {
            read.fault(
                "server.cors_origins",
                "a list of origins without \"*\" where auth.mode is \"none\"",
            );
        }
        if self.server.admin_bind == Some(bind) && bind.port() != 0 {
            read.fault("server.admin_bind", "another address than server.bind");
        }
    }

    /// Checks that the phases of a shutdown fit in its deadline. A phase whose value is wrong
    /// counts as zero.
    fn check_phases(&self, read: &mut Reader) {
        if !read.is_sound("shutdown.deadline") {
            return;
        }
        let known = |key: &str, phase: Duration| {
            if read.is_sound(key) {
                phase
            } else {
                Duration::ZERO
            }
        };
        let plan = Timeline::plan(
            self.shutdown.deadline,
            known("shutdown.lame_duck", self.shutdown.lame_duck),
            known("shutdown.cancel_before", self.shutdown.cancel_before),
        );
        for fault in plan.err().unwrap_or_default() {
            if read.is_sound(fault.key) {
                read.fault(fault.key, &fault.rule);
            }
        }
    }
}
