//! Metrics collected on each scrape: of the actors, the store and the process. Labels have few
//! values: service names, outcomes and phases.

use std::collections::BTreeMap;

use lastcall_actors::{BreakerState, DependencyStatus, Phase, ServiceState, SystemStatus};
use lastcall_domain::store::StoreCounts;
use lastcall_domain::{Disk, Service, Timestamp};
use prometheus_client::registry::Registry;
use serde::Serialize;

use crate::collected::{Values, counter, gauge};
use crate::process::Usage;
use crate::state::ApiState;

/// For each service whose queue is known, when its oldest queued job was accepted; `None` if there
/// is none.
pub(crate) type OldestQueued = BTreeMap<Service, Option<Timestamp>>;

/// Collects all metrics.
pub(crate) fn collect(
    state: &ApiState,
    counts: Option<&StoreCounts>,
    oldest: &OldestQueued,
    disks: &[Disk],
) -> Registry {
    let mut registry = Registry::default();
    process(&mut registry, state);
    room(&mut registry, disks);
    let status = state.system.status();
    services(&mut registry, &status);
    dependencies(&mut registry, &status);
    if let Some(counts) = counts {
        store(&mut registry, counts);
        waiting(&mut registry, state, oldest);
    }
    let up = if counts.is_some() { 1.0 } else { 0.0 };
    gauge(
        &mut registry,
        "lastcall_store_up",
        "Whether the store responds.",
        &[],
        vec![(vec![], up)],
    );
    registry
}

fn process(registry: &mut Registry, state: &ApiState) {
    let one = |value: f64| vec![(vec![], value)];
    let uptime = state.clock.now() - state.started_at;
    let uptime = uptime.to_std().unwrap_or_default().as_secs_f64();
    gauge(
        registry,
        "lastcall_build_info",
        "The version of the service.",
        &["version"],
        vec![(vec![state.config.version.as_str()], 1.0)],
    );
    gauge(
        registry,
        "lastcall_uptime_seconds",
        "Time since the process started.",
        &[],
        one(uptime),
    );
    let now = state.system.phase();
    let phases = [
        Phase::Starting,
        Phase::Running,
        Phase::LameDuck,
        Phase::Draining,
        Phase::HandingBack,
        Phase::Stopped,
    ];
    let phases = phases.map(|phase| (vec![phase.as_str()], f64::from(u8::from(phase == now))));
    gauge(
        registry,
        "lastcall_phase",
        "1 for the current phase of the process, 0 for the others.",
        &["phase"],
        phases.to_vec(),
    );
    let (config, room) = (&state.config, &state.system_stream_permits);
    let streams = config.max_streams - state.streams.available_permits()
        + config.max_system_streams
        - room.available_permits();
    gauge(
        registry,
        "lastcall_http_event_streams",
        "Open event streams, of jobs and of the system.",
        &[],
        one(streams as f64),
    );
    counter(
        registry,
        "lastcall_log_dropped_lines_total",
        "Log lines dropped because standard error did not take them.",
        &[],
        one(state.system.dropped_log_lines() as f64),
    );
    let spans = state.tracer.counts().unwrap_or_default();
    for (name, help, value) in [
        (
            "lastcall_spans_exported_total",
            "Spans that the trace collector took.",
            spans.exported,
        ),
        (
            "lastcall_spans_dropped_total",
            "Spans dropped because the trace collector did not take them in time.",
            spans.dropped,
        ),
    ] {
        counter(registry, name, help, &[], one(value as f64));
    }
    let usage = Usage::now();
    let usage = [
        (
            "process_resident_memory_bytes",
            "Resident memory, in bytes.",
            usage.resident_bytes,
        ),
        ("process_threads", "Threads.", usage.threads),
        ("process_open_fds", "File descriptors in use.", usage.fds),
    ];
    for (name, help, value) in usage {
        if let Some(value) = value {
            gauge(registry, name, help, &[], one(value as f64));
        }
    }
}

fn room(registry: &mut Registry, disks: &[Disk]) {
    let each = |value: fn(&Disk) -> f64| -> Values<'_> {
        let disks = disks.iter();
        disks.map(|disk| (vec![disk.name], value(disk))).collect()
    };
    gauge(
        registry,
        "lastcall_disk_free_bytes",
        "Free room on the local disks, in bytes.",
        &["disk"],
        each(|disk| disk.free as f64),
    );
    gauge(
        registry,
        "lastcall_disk_low",
        "Whether the disk has less room than store.min_free.",
        &["disk"],
        each(|disk| f64::from(u8::from(disk.is_low()))),
    );
}

fn dependencies(registry: &mut Registry, status: &SystemStatus) {
    let each = |value: fn(&DependencyStatus) -> f64| -> Values<'_> {
        let parts = status.dependencies.iter();
        parts
            .map(|part| (vec![part.name.as_str()], value(part)))
            .collect()
    };
    gauge(
        registry,
        "lastcall_dependency_up",
        "Whether the dependency of work is available.",
        &["dependency"],
        each(|part| f64::from(u8::from(part.breaker == BreakerState::Closed))),
    );
    counter(
        registry,
        "lastcall_dependency_outages_total",
        "Outages of the dependency.",
        &["dependency"],
        each(|part| part.outages as f64),
    );
}

fn services(registry: &mut Registry, status: &SystemStatus) {
    let each = |value: fn(&lastcall_actors::ServiceStatus) -> f64| -> Values<'_> {
        let services = status.services.iter();
        services
            .map(|service| (vec![service.name.as_str()], value(service)))
            .collect()
    };
    let gauges = [
        (
            "lastcall_service_up",
            "Whether the actor is running.",
            each(|s| f64::from(u8::from(s.state == ServiceState::Running))),
        ),
        (
            "lastcall_service_slots",
            "Jobs that the service runs concurrently.",
            each(|s| s.slots as f64),
        ),
        (
            "lastcall_service_busy_slots",
            "Slots in use.",
            each(|s| s.busy as f64),
        ),
        (
            "lastcall_service_in_flight",
            "Work that was admitted and has not finished.",
            each(|s| s.in_flight as f64),
        ),
        (
            "lastcall_service_claimed_ahead",
            "Jobs claimed ahead of a free slot.",
            each(|s| s.claimed_ahead as f64),
        ),
        (
            "lastcall_service_mailbox_depth",
            "Messages in the mailbox.",
            each(|s| s.mailbox.depth as f64),
        ),
        (
            "lastcall_service_mailbox_capacity",
            "Capacity of the mailbox.",
            each(|s| s.mailbox.capacity as f64),
        ),
    ];
    for (name, help, values) in gauges {
        gauge(registry, name, help, &["service"], values);
    }
    let counters = [
        (
            "lastcall_service_restarts_total",
            "Restarts of the actor by the supervisor.",
            each(|s| s.restarts as f64),
        ),
        (
            "lastcall_service_hung_total",
            "How often the actor was found hung.",
            each(|s| s.hung as f64),
        ),
        (
            "lastcall_service_busy_seconds_total",
            "Total duration of attempts.",
            each(|s| s.counts.busy_ms as f64 / 1000.0),
        ),
    ];
    for (name, help, values) in counters {
        counter(registry, name, help, &["service"], values);
    }
    work(registry, status);
    gauge(
        registry,
        "lastcall_abandoned_threads",
        "Threads that were abandoned because an actor hung on them, and have not ended since.",
        &[],
        vec![(vec![], status.abandoned_threads.len() as f64)],
    );
}

/// The services' work, by outcome.
fn work(registry: &mut Registry, status: &SystemStatus) {
    let (mut jobs, mut cleaner) = (Values::new(), Values::new());
    let counters: Vec<_> = status
        .services
        .iter()
        .map(|service| {
            let done = service
                .cleaner
                .as_ref()
                .map(counters_by_name)
                .unwrap_or_default();
            (
                service.name.as_str(),
                counters_by_name(&service.counts),
                done,
            )
        })
        .collect();
    for (name, counts, done) in &counters {
        for (outcome, count) in counts.iter().filter(|(outcome, _)| *outcome != "busy_ms") {
            jobs.push((vec![outcome, name], *count as f64));
        }
        for (what, count) in done {
            cleaner.push((vec![what], *count as f64));
        }
    }
    counter(
        registry,
        "lastcall_service_work_total",
        "Work of the service, by outcome.",
        &["outcome", "service"],
        jobs,
    );
    counter(
        registry,
        "lastcall_cleaner_total",
        "What TtlCleaner has done.",
        &["what"],
        cleaner,
    );
}

fn store(registry: &mut Registry, counts: &StoreCounts) {
    let jobs = |value: fn(&lastcall_domain::store::JobCounts) -> u64| -> Values<'_> {
        let jobs = counts.jobs.iter();
        jobs.map(|(service, counts)| (vec![service.as_str()], value(counts) as f64))
            .collect()
    };
    gauge(
        registry,
        "lastcall_jobs_queued",
        "Queued jobs, in all instances on this store.",
        &["service"],
        jobs(|counts| counts.queued),
    );
    gauge(
        registry,
        "lastcall_jobs_running",
        "Running jobs, in all instances on this store.",
        &["service"],
        jobs(|counts| counts.running),
    );
    gauge(
        registry,
        "lastcall_sessions",
        "Sessions that have not been removed, in all instances on this store.",
        &[],
        vec![(vec![], counts.sessions as f64)],
    );
}

/// The age of the oldest job of each queue.
fn waiting(registry: &mut Registry, state: &ApiState, oldest: &OldestQueued) {
    let now = state.clock.now();
    let waited = |since: &Timestamp| (now - *since).to_std().unwrap_or_default().as_secs_f64();
    let ages = oldest.iter();
    gauge(
        registry,
        "lastcall_oldest_queued_job_age_seconds",
        "Age of the oldest queued job; 0 if none is queued.",
        &["service"],
        ages.map(|(service, since)| (vec![service.as_str()], since.as_ref().map_or(0.0, waited)))
            .collect(),
    );
}

/// The counters by their names.
pub(crate) fn counters_by_name(counters: &impl Serialize) -> BTreeMap<String, u64> {
    serde_json::to_value(counters)
        .and_then(serde_json::from_value)
        .unwrap_or_default()
}
