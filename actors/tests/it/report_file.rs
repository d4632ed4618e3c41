//! The timeline of a shutdown, and the file that tells the next run how this one ended.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use lastcall_actors::{PreviousRun, ReportFile, Timeline};
use tempfile::TempDir;

use crate::fixture::{World, drain, in_virtual_time};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_phases_fill_the_deadline() {
    let plan = Timeline::plan(25 * SECOND, 5 * SECOND, 3 * SECOND).unwrap();
    let phases = plan.phases();
    assert_eq!(
        phases.map(|(name, _)| name),
        ["lame_duck", "draining", "handing_back", "closing"]
    );
    let seconds = phases.map(|(_, span)| span.as_secs_f64());
    assert_eq!(seconds, [5.0, 17.0, 1.5, 1.5]);
    assert_eq!(plan.to_string().lines().count(), 4);
}

#[test]
fn phases_that_do_not_fit_are_named_with_their_rule() {
    let keys = |deadline, lame_duck, cancel_before| {
        let faults = Timeline::plan(deadline, lame_duck, cancel_before).unwrap_err();
        faults
            .into_iter()
            .map(|fault| fault.key)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(2 * SECOND, SECOND, 3 * SECOND),
        ["shutdown.cancel_before"]
    );
    assert_eq!(
        keys(2 * SECOND, 5 * SECOND, 3 * SECOND),
        ["shutdown.cancel_before", "shutdown.lame_duck"]
    );
    assert_eq!(
        keys(9 * SECOND, 7 * SECOND, 3 * SECOND),
        ["shutdown.lame_duck"]
    );
    assert_eq!(
        keys(SECOND / 20, Duration::ZERO, Duration::ZERO),
        ["shutdown.cancel_before"]
    );
    assert!(Timeline::plan(3 * SECOND, Duration::ZERO, 3 * SECOND).is_ok());
}

#[test]
fn the_next_run_reads_how_the_last_one_ended() {
    in_virtual_time(async {
        let folder = TempDir::new().unwrap();
        let file = ReportFile::in_folder(folder.path());
        assert_eq!(file.begin().unwrap(), PreviousRun::None);
        let world = World::new().await;
        let handle = world.start().await;
        let (_, report) = drain(&handle).await;
        file.end(&report).unwrap();
        assert_eq!(file.begin().unwrap(), PreviousRun::Ended(Box::new(report)));
        // This run ends without a report.
        assert_eq!(file.begin().unwrap(), PreviousRun::Crashed);
    });
}

#[test]
fn the_space_of_the_report_is_reserved_from_the_start() {
    in_virtual_time(async {
        let folder = TempDir::new().unwrap();
        let file = ReportFile::in_folder(folder.path());
        let allocated = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let blocks = files.map(|file| file.unwrap().metadata().unwrap().blocks());
            blocks.sum::<u64>() * 512
        };
        let previous = file.begin().unwrap();
        assert!(allocated() >= 64 * 1024);
        file.undo(&previous).unwrap();
        assert_eq!(allocated(), 0);
        file.begin().unwrap();
        let world = World::new().await;
        let handle = world.start().await;
        let (_, report) = drain(&handle).await;
        file.end(&report).unwrap();
        assert_eq!(file.read(), Some(report));
        assert!(allocated() < 64 * 1024, "the rest is given back");
    });
}

#[test]
fn a_run_that_failed_to_start_is_not_seen_by_the_next() {
    in_virtual_time(async {
        let folder = TempDir::new().unwrap();
        let file = ReportFile::in_folder(folder.path());
        let come_to_nothing = || {
            let previous = file.begin().unwrap();
            file.undo(&previous).unwrap();
            previous
        };
        assert_eq!(come_to_nothing(), PreviousRun::None);
        assert_eq!(come_to_nothing(), PreviousRun::None);

        file.begin().unwrap();
        let world = World::new().await;
        let handle = world.start().await;
        let (_, report) = drain(&handle).await;
        file.end(&report).unwrap();
        let ended = PreviousRun::Ended(Box::new(report));
        assert_eq!(come_to_nothing(), ended);
        assert_eq!(come_to_nothing(), ended);

        // A crash is reported by the run that recovers from it, however many starts fail before.
        file.begin().unwrap();
        assert_eq!(come_to_nothing(), PreviousRun::Crashed);
        assert_eq!(come_to_nothing(), PreviousRun::Crashed);
    });
}
