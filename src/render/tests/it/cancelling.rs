//! Cancelled reports, and leftovers of finished ones.

use lastcall_domain::{Cancel, ReportFormat};
use lastcall_render::{RenderError, ReportInput};

use crate::fixture::{at, bare, one_pdf_at_a_time, sales};

#[test]
fn a_cancelled_report_ends_with_an_error_of_its_own() {
    let cancel = Cancel::new();
    cancel.cancel();
    let profile = sales();
    for format in ReportFormat::ALL {
        let error = bare().render(&ReportInput::profile(&profile, at()), format, &cancel);
        let error = error.expect_err("a cancelled report");
        assert!(matches!(error, RenderError::Cancelled), "{format}");
        assert_eq!((error.code(), error.retryable()), ("cancelled", false));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_pdf_leaves_no_thread_behind() {
    let _lock = one_pdf_at_a_time();
    // A thread without a name has the name of the one that started it, so that this counts the
    // typesetter and all threads that it started.
    let typesetters = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.trim_end() == "pdf").count()
    };
    let profile = sales();
    let done = bare().render(
        &ReportInput::profile(&profile, at()),
        ReportFormat::Pdf,
        &Cancel::new(),
    );
    assert!(done.is_ok());
    assert_eq!(typesetters(), 0);
}
