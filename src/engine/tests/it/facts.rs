//! Statistics of a profile that pandas lacks: rows, sort orders, patterns and likely types.

use lastcall_domain::profile::{Number, Profile, SemanticType, SortOrder};
use serde_json::json;

use crate::support::{Bench, alerts, column};

fn profile(csv: &str) -> Profile {
    Bench::new().profile("a.csv", csv)
}

fn number(figure: Option<Number>) -> f64 {
    figure.unwrap().as_f64()
}

#[test]
fn spreads_are_those_of_scipy() {
    // scipy.stats: iqr 3.5, median_abs_deviation 2.0; pandas: std / mean 0.7693093.
    let csv = "n,x\n1,0.5\n2,1\n3,1.5\n4,2\n5,2.5\n6,3\n7,3.5\n20,10\n";
    let profile = profile(csv);
    let n = column(&profile, "n").numeric.as_ref().unwrap();
    let x = column(&profile, "x").numeric.as_ref().unwrap();
    assert_eq!((number(n.iqr), number(n.mad)), (3.5, 2.0));
    assert_eq!((number(x.iqr), number(x.mad)), (1.75, 1.0));
    let std = n.std.unwrap();
    assert!((n.cv.unwrap() - std / 6.0).abs() < 1e-12);
}

#[test]
fn a_profile_with_infinities_can_be_read_again() {
    let csv = "x,y,z\ninf,1e308,inf\n-inf,-1e308,-inf\n1.5,nan,inf\nnan,1e308,\n2.5,0,\ninf,,inf\n";
    let profile = profile(csv);
    let written = serde_json::to_string(&profile).unwrap();
    let read: Profile = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    let x = read.columns[0].numeric.as_ref().unwrap();
    assert_eq!((x.infinities, x.max), (3, None));
    let named: Vec<(f64, u64)> = x
        .lowest
        .iter()
        .map(|low| (low.value.as_f64(), low.row))
        .collect();
    assert_eq!(named, [(1.5, 3), (2.5, 5)]);
    let high = x.highest.iter().map(|high| high.row);
    assert_eq!(high.collect::<Vec<_>>(), [5, 3]);
    let z = read.columns[2].numeric.as_ref().unwrap();
    assert!(z.lowest.is_empty() && z.highest.is_empty());
}

#[test]
fn the_median_distance_of_large_integers_is_exact() {
    let profile = profile("n\n9007199254740993\n9007199254740994\n9007199254740996\n");
    let n = column(&profile, "n").numeric.as_ref().unwrap();
    assert_eq!(
        (n.mad, n.iqr),
        (Some(Number::Integer(1)), Some(Number::Float(1.5)))
    );
}

#[test]
fn extremes_have_the_rows_that_they_are_in() {
    let mut csv = String::from("n,t,x\n");
    for row in 0..10_000u64 {
        let n = row * 7919 % 10_007;
        let x = if row % 3 == 0 {
            String::new()
        } else {
            format!("{n}.5")
        };
        csv.push_str(&format!("{n},2024-01-01T00:00:{:02}Z,{x}\n", row % 60));
    }
    let profile = profile(&csv);
    let row_of = |n: u64| {
        (0..10_000u64)
            .find(|row| row * 7919 % 10_007 == n)
            .map(|row| row + 1)
    };
    let n = column(&profile, "n").numeric.as_ref().unwrap();
    assert_eq!(n.lowest[0].value, Number::Integer(0));
    for extreme in n.lowest.iter().chain(&n.highest) {
        assert_eq!(Some(extreme.row), row_of(extreme.value.as_f64() as u64));
    }
    assert_eq!((n.lowest.len(), n.highest.len()), (5, 5));
    assert!(
        n.highest
            .windows(2)
            .all(|pair| pair[0].value.as_f64() > pair[1].value.as_f64())
    );
    // Missing cells are rows as well.
    let x = column(&profile, "x").numeric.as_ref().unwrap();
    for extreme in &x.highest {
        assert_eq!(Some(extreme.row), row_of(extreme.value.as_f64() as u64));
    }
    // Of equal values those that come first.
    let t = column(&profile, "t").temporal.as_ref().unwrap();
    let rows: Vec<u64> = t.lowest.iter().map(|extreme| extreme.row).collect();
    assert_eq!(rows, [1, 61, 121, 181, 241]);
    assert_eq!(t.highest[0].value, "2024-01-01T00:00:59Z");
}

#[test]
fn columns_in_order_say_so() {
    let csv = "up,steps,down,none,same,text,day\n\
               1,1,9.5,2,7,a,2024-01-01\n\
               ,1,8,1,7,b,2024-01-02\n\
               2,2,8,3,7,c,2024-01-02\n\
               3,3,1,2,7,d,2024-03-01\n";
    let profile = profile(csv);
    let sorted = |name| column(&profile, name).sorted;
    assert_eq!(sorted("up"), Some(SortOrder::StrictlyAscending));
    assert_eq!(sorted("steps"), Some(SortOrder::Ascending));
    assert_eq!(sorted("down"), Some(SortOrder::Descending));
    assert_eq!(sorted("none"), None);
    assert_eq!(sorted("same"), None);
    assert_eq!(sorted("text"), Some(SortOrder::StrictlyAscending));
    assert_eq!(sorted("day"), Some(SortOrder::Ascending));
    assert_eq!(column(&profile, "steps").mode.as_ref().unwrap().value, 1);
    assert_eq!(column(&profile, "up").mode, None);
}

#[test]
fn rows_are_shown_as_they_are() {
    let mut csv = String::from("n,w,d,b\n");
    for row in 1..=1_000 {
        csv.push_str(&format!("{row},w{row},2024-01-31,true\n"));
    }
    let profile = profile(&csv);
    let sample = &profile.sample;
    assert_eq!(sample.columns, ["n", "w", "d", "b"]);
    let rows = |rows: &[lastcall_domain::profile::SampleRow]| -> Vec<u64> {
        rows.iter().map(|row| row.row).collect()
    };
    assert_eq!(rows(&sample.first), [1, 2, 3, 4, 5]);
    assert_eq!(rows(&sample.last), [996, 997, 998, 999, 1000]);
    let random = rows(&sample.random);
    assert!(random.len() >= 3 && random.is_sorted(), "{random:?}");
    for row in sample
        .first
        .iter()
        .chain(&sample.random)
        .chain(&sample.last)
    {
        let cells = [
            json!(row.row),
            json!(format!("w{}", row.row)),
            json!("2024-01-31"),
            json!(true),
        ];
        assert_eq!(row.cells, cells);
    }
    let few = Bench::new().profile("a.csv", "n\n1\nNA\n3\n");
    assert_eq!(few.sample.first[1].cells, [json!(null)]);
    assert!(few.sample.last.is_empty() && few.sample.random.is_empty());
}

#[test]
fn rows_that_repeat_are_shown_with_the_rows_that_they_repeat() {
    let profile = profile("a,b\n1,x\n2,y\n1,x\n3,z\n2,y\n1,x\n");
    let found: Vec<(u64, u64)> = profile
        .duplicates
        .iter()
        .map(|d| (d.first, d.row))
        .collect();
    assert_eq!(found, [(1, 3), (2, 5)]);
    assert_eq!(profile.duplicates[1].cells, [json!(2), json!("y")]);
    assert_eq!(profile.dataset.duplicate_rows, 3);
}

#[test]
fn cells_that_are_missing_together_are_a_pattern() {
    let profile = profile("a,b,c\n1,,\n2,x,1.5\n3,,\n4,,2.5\n,,\n6,y,3.5\n");
    let missing = &profile.missing_patterns;
    assert_eq!((missing.complete_rows, missing.other_rows), (2, 0));
    let patterns: Vec<(Vec<&str>, u64)> = missing
        .patterns
        .iter()
        .map(|p| (p.columns.iter().map(String::as_str).collect(), p.rows))
        .collect();
    assert_eq!(
        patterns,
        [
            (vec!["b", "c"], 2),
            (vec!["a", "b", "c"], 1),
            (vec!["b"], 1)
        ]
    );
}

#[test]
fn texts_have_patterns_and_semantic_types() {
    let mut csv = String::from("code,mail,note,id\n");
    for row in 0..40 {
        let note = match row % 4 {
            0 => "\" \"",
            1 => "\" padded\"",
            2 => "plain",
            _ => "\"trailing \"",
        };
        csv.push_str(&format!(
            "AB-{},u{row}@example.org,{note},123e4567-e89b-12d3-a456-4266141740{row:02}\n",
            100 + row
        ));
    }
    let profile = profile(&csv);
    let text = |name| column(&profile, name).text.as_ref().unwrap();
    let code = text("code");
    assert_eq!(
        (code.patterns[0].pattern.as_str(), code.patterns[0].count),
        ("A-9", 40)
    );
    assert_eq!(code.semantic_type, None);
    assert_eq!(text("mail").semantic_type, Some(SemanticType::Email));
    assert_eq!(text("id").semantic_type, Some(SemanticType::Uuid));
    assert_eq!((text("note").blank, text("note").padded), (10, 20));
    assert_eq!(code.values_sampled, None);
}

#[test]
fn many_different_texts_are_sampled_and_say_so() {
    let mut csv = String::from("w\n");
    for row in 0..20_000 {
        csv.push_str(if row % 2 == 0 { "x" } else { "\" x" });
        csv.push_str(&row.to_string());
        csv.push_str(if row % 2 == 0 { "\n" } else { "\"\n" });
    }
    let profile = profile(&csv);
    let text = column(&profile, "w").text.as_ref().unwrap();
    assert!(text.values_sampled.unwrap() <= 4_096);
    assert!((4_000..16_000).contains(&text.padded), "{}", text.padded);
}

#[test]
fn what_a_column_of_text_could_be_is_an_alert() {
    let mut csv = String::from("price,day,active,city,phone\n");
    for row in 0..60 {
        let price = if row == 7 {
            "on request".into()
        } else {
            format!("{row}.25")
        };
        let day = if row == 9 {
            "unknown".into()
        } else {
            format!("2024-01-{:02}", 1 + row % 28)
        };
        let active = if row % 3 == 0 { "Yes" } else { "no" };
        let city = ["Berlin", "berlin ", "Paris", "PARIS", "Rome"][row % 5];
        csv.push_str(&format!(
            "{price},{day},{active},\"{city}\",+49301234{row:02}\n"
        ));
    }
    let profile = profile(&csv);
    assert_eq!(
        alerts(&profile, Some("price")),
        ["unique", "likely_number", "key_candidate"]
    );
    assert_eq!(alerts(&profile, Some("day")), ["likely_date"]);
    assert_eq!(alerts(&profile, Some("active")), ["likely_boolean"]);
    assert_eq!(alerts(&profile, Some("city")), ["similar_values"]);
    assert_eq!(alerts(&profile, Some("phone")), ["unique"]);
    let similar = profile
        .alerts
        .iter()
        .find(|alert| alert.code.as_str() == "similar_values");
    let similar = similar.unwrap();
    assert_eq!(similar.value, Some(2.0));
    assert!(
        similar.detail.contains("“Berlin” and “berlin ”"),
        "{}",
        similar.detail
    );
}

#[test]
fn alerts_have_their_figure_and_their_threshold() {
    let mut csv = String::from("m,z\n");
    for row in 0..10 {
        csv.push_str(&format!(
            "{},{}\n",
            if row < 5 { "" } else { "1.5" },
            u8::from(row > 7)
        ));
    }
    let profile = profile(&csv);
    let alert = |code| {
        profile
            .alerts
            .iter()
            .find(|alert| alert.code.as_str() == code)
            .unwrap()
    };
    assert_eq!(
        (alert("missing").value, alert("missing").threshold),
        (Some(0.5), Some(0.05))
    );
    assert_eq!(
        (alert("zeros").value, alert("zeros").threshold),
        (Some(0.8), Some(0.5))
    );
    let written = serde_json::to_value(alert("zeros")).unwrap();
    assert_eq!(
        (&written["value"], &written["threshold"]),
        (&json!(0.8), &json!(0.5))
    );
}

#[test]
fn of_two_alerts_that_say_the_same_one_is_raised() {
    let mut csv = String::from("id,name,zero,all\n");
    for row in 0..100 {
        csv.push_str(&format!("{row},name {row},{},0\n", u8::from(row == 3)));
    }
    let profile = profile(&csv);
    assert_eq!(alerts(&profile, Some("name")), ["unique"]);
    assert_eq!(alerts(&profile, Some("zero")), ["skewed", "zeros"]);
    assert_eq!(alerts(&profile, Some("all")), ["constant"]);
}

#[test]
fn categories_go_together_as_cramers_v_says() {
    // scipy.stats.contingency.association(method="cramer"): 1.0 and 0.0.
    let mut csv = String::from("a,b,c,id\n");
    for row in 0..200 {
        let a = ["x", "y"][row % 2];
        let c = ["p", "q"][row / 2 % 2];
        csv.push_str(&format!("{a},{},{c},id {row}\n", row % 2 == 0));
    }
    let profile = profile(&csv);
    let found = &profile.associations;
    assert_eq!(found.columns, ["a", "b", "c"]);
    assert_eq!(found.sample, None);
    assert_eq!(found.cramers_v[0][0], Some(1.0));
    assert!((found.cramers_v[0][1].unwrap() - 1.0).abs() < 1e-12);
    assert!(found.cramers_v[0][2].unwrap() < 1e-12);
}
