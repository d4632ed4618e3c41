//! Full disks and missing folders: errors of the environment, not of the report.

use std::fs::File;

use lastcall_domain::{Cancel, Dependency, ReportFormat};
use lastcall_render::{FontConfig, Renderer, ReportInput};

use crate::fixture::{at, bare, sales};

#[test]
fn a_report_that_finds_no_room_for_itself_can_be_made_another_time() {
    let profile = sales();
    for format in ReportFormat::ALL {
        if format == ReportFormat::Pdf {
            // It is set before the first byte is written.
            continue;
        }
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        let input = ReportInput::profile(&profile, at());
        let written = bare().write(&input, format, &Cancel::new(), &mut full);
        let error = written.expect_err("the disk is full");
        assert_eq!(
            (error.dependency(), error.retryable()),
            (Some(Dependency::Scratch), true),
            "{format}: {error:?}"
        );
    }
}

#[test]
fn a_workbook_needs_its_folder_of_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    for scratch in [file.clone(), file.join("below"), folder.path().join("gone")] {
        let renderer = Renderer::new(FontConfig::default()).with_scratch(&scratch);
        let profile = sales();
        let input = ReportInput::profile(&profile, at());
        let made = renderer.render(&input, ReportFormat::Xlsx, &Cancel::new());
        let error = made.expect_err("there is no folder");
        assert_eq!(error.dependency(), Some(Dependency::Scratch), "{error:?}");
    }
}
