//! The property of all fuzz targets: any bytes give a consistent profile or an error, never a
//! panic, and never more memory than granted.

use lastcall_domain::{Cancel, Format, ProfileOptions, Progress, ReadOptions};
use lastcall_engine::{Engine, EngineConfig, Source};

/// Profiles bytes as a dataset of this format; the first byte chooses the options.
pub fn profile(format: Format, bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("data");
    std::fs::write(&path, bytes).expect("a temporary file");
    let engine = Engine::new(EngineConfig {
        threads: usize::from(choice & 1),
        memory: 32 << 20,
        scratch: folder.path().into(),
    });
    let options = ProfileOptions {
        read: ReadOptions {
            comment: (choice & 2 != 0).then_some('#'),
            decimal: (choice & 4 != 0).then_some(','),
            thousands: (choice & 8 != 0).then_some('\''),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let source = Source::new(path, format);
    let profile = engine.profile(source, &options, &Cancel::new(), &Progress::new());
    if let Ok(profile) = profile {
        for column in &profile.columns {
            assert_eq!(column.count + column.missing, profile.dataset.rows);
            assert!(column.distinct <= column.count);
        }
        serde_json::to_string(&profile).expect("JSON");
    }
}
