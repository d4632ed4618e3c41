//! Templates and logos that exceed a limit.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use lastcall_domain::{Cancel, Logo, ReportTemplate};
use lastcall_render::ReportInput;

use super::{Fixture, templated};
use crate::fixture::{at, bare, sales};
use crate::templates::{png_of, with_source};

#[tokio::test]
async fn a_template_that_computes_on_and_on_ends_by_its_processor_time() {
    let fixture = Fixture::with(|config| config.template_cpu_seconds = 1);
    let endless = "#for i in range(1000000) { for j in range(1000000) { let x = i * j } }";
    let cancel = Cancel::new();
    let set = fixture.typesetter.typeset(templated(endless), &cancel);
    // Others go on meanwhile.
    let (set, other) = tokio::join!(set, fixture.pdf());
    let error = set.unwrap_err();
    assert_eq!(
        (error.code(), error.retryable()),
        ("template_failed", false)
    );
    assert!(
        error
            .to_string()
            .contains("more than 1 s of processor time"),
        "{error}"
    );
    assert!(other.is_ok());
    fixture.end().await;
}

/// An image of 7,900 × 7,900 transparent pixels, in 243 KB.
fn large_png() -> Logo {
    const SIDE: u32 = 7_900;
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::best());
    let row = vec![0; 1 + 4 * SIDE as usize];
    for _ in 0..SIDE {
        rows.write_all(&row).unwrap();
    }
    let head = [
        &SIDE.to_be_bytes()[..],
        &SIDE.to_be_bytes(),
        &[8, 6, 0, 0, 0],
    ]
    .concat();
    png_of(&[
        (b"IHDR", &head),
        (b"IDAT", &rows.finish().unwrap()),
        (b"IEND", &[]),
    ])
}

#[tokio::test]
async fn an_image_without_the_memory_to_be_decoded_fails_its_document_and_holds_up_nothing() {
    let fixture = Fixture::new();
    let template = ReportTemplate {
        logo: Some(large_png()),
        ..with_source("#image(\"logo\")")
    };
    let input = sales();
    let input = ReportInput::profile(&input, at()).with_template(Some(&template));
    let manuscript = bare().manuscript(&input, &Cancel::new()).unwrap();
    let cancel = Cancel::new();
    let set = fixture.typesetter.typeset(manuscript, &cancel);
    let set = tokio::time::timeout(Duration::from_secs(100), set).await;
    let error = set.expect("it has ended").unwrap_err();
    assert_eq!(
        (error.code(), error.retryable()),
        ("template_failed", false),
        "{error}"
    );
    fixture.end().await;
}

#[tokio::test]
async fn a_template_has_no_more_memory_than_it_may() {
    let fixture = Fixture::with(|config| config.memory = 64 << 20);
    let cancel = Cancel::new();
    for bomb in [
        "#let x = \"x\" * 1000000000",
        "#let x = (0,) * 100000000",
        "#let f(n) = f(n + 1) + f(n + 2)\n#f(0)",
    ] {
        let set = fixture.typesetter.typeset(templated(bomb), &cancel);
        let error = set.await.expect_err(bomb);
        assert_eq!(
            (error.code(), error.retryable()),
            ("template_failed", false),
            "{error}"
        );
    }
    let set = fixture
        .typesetter
        .typeset(templated("#let x = \"x\" * 1000000000"), &cancel);
    let error = set.await.unwrap_err().to_string();
    assert!(error.contains("more memory than 64 MiB"), "{error}");
    fixture.end().await;
}
