//! Encodings, and data that is not text.

use lastcall_domain::{Certainty, ProfileOptions, ReadOptions};

use crate::sniffing::{codes, columns};
use crate::support::Bench;

#[test]
fn encodings_are_declared_or_guessed_and_a_guess_says_so() {
    let cyrillic = b"\xe3\xee\xf0\xee\xe4;\xea\xee\xe4\n\xcc\xee\xf1\xea\xe2\xe0;1\n\xca\xe0\xe7\xe0\xed\xfc;2\n";
    let guessed = Bench::new().profile("a.csv", cyrillic);
    assert_eq!(columns(&guessed), "город:string код:integer");
    assert_eq!(codes(&guessed), "guessed_encoding");
    assert_eq!(guessed.read.encoding.as_deref(), Some("windows-1251"));
    assert!(guessed.read.warnings[0].detail.contains("windows-1251"));
    let read = ReadOptions {
        encoding: Some("cp1251".into()),
        ..ReadOptions::default()
    };
    let options = ProfileOptions {
        read,
        ..ProfileOptions::default()
    };
    let given = Bench::new()
        .try_profile("a.csv", cyrillic, &options)
        .unwrap();
    assert_eq!(columns(&given), "город:string код:integer");
    assert_eq!(
        (codes(&given).as_str(), given.read.steps[0].certainty),
        ("", Certainty::Given)
    );
    let late = [
        b"a,b\n".to_vec(),
        b"x,1\n".repeat(100_000),
        cyrillic.to_vec(),
    ]
    .concat();
    let late = Bench::new().profile("a.csv", late);
    assert_eq!(late.read.encoding.as_deref(), Some("windows-1251"));
    // Chinese in UTF-16 without a mark, in both orders of bytes.
    let text = "名字,数\n上海,1\n北京,2\n";
    for bytes in [
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ] {
        let wide = Bench::new().profile("a.csv", bytes);
        assert_eq!(columns(&wide), "名字:string 数:integer");
        assert_eq!(codes(&wide), "");
    }
    // A zero alone makes no UTF-16 of a text.
    for text in ["a,b\n1,\0\n2,3\n", "a,\u{e9}\n1,\0\n2,3\n"] {
        let profile = Bench::new().profile("a.csv", text);
        assert_eq!(profile.read.encoding.as_deref(), Some("UTF-8"));
        assert_eq!((profile.dataset.rows, profile.dataset.columns), (2, 2));
    }
}

#[test]
fn japanese_behind_escapes_is_no_utf_8() {
    // 名前,値 above 太郎,1 and 花子,2.
    let bytes = b"\x1b$BL>A0\x1b(B,\x1b$BCM\x1b(B\n\x1b$BB@O:\x1b(B,1\n\x1b$B2V;R\x1b(B,2\n";
    let profile = Bench::new().profile("a.csv", bytes);
    assert_eq!(columns(&profile), "名前:string 値:integer");
    assert_eq!(codes(&profile), "guessed_encoding");
    assert_eq!(profile.read.encoding.as_deref(), Some("ISO-2022-JP"));
    // Colours of a terminal are not Japanese.
    for log in [
        "a,b\n\x1b[31mx\x1b[0m,1\n",
        "a,b\n\x1b[31mx\x1b(B,1\n\x1b$B,2\n",
        "a,b\n\x1b$B,1\nx\x1b(B,2\n",
    ] {
        let profile = Bench::new().profile("a.csv", log);
        assert_eq!(profile.read.encoding.as_deref(), Some("UTF-8"), "{log:?}");
    }
}

#[test]
fn what_is_not_text_is_refused() {
    let noise: Vec<u8> = (0..4000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for bytes in [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n".to_vec(),
        b"PK\x03\x04\x14\0\0\0".to_vec(),
        b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(),
        noise,
    ] {
        for name in ["a.csv", "a.tsv"] {
            let failure = Bench::new().failure(name, &bytes);
            assert!(
                failure.starts_with("unsupported_data: this dataset cannot be read: it is "),
                "{failure}"
            );
        }
    }
}
