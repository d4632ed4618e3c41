//! The last step: the types of all cells, once they are read.
//!
//! The types of the first rows are assumed; every cell confirms or corrects them. A deviation from
//! a literal reading and an ambiguity are warnings with the option that changes them.

use lastcall_domain::{Certainty, DateOrder as GivenOrder, ReadReport, ReadStep, ReadWarning};

use crate::parse::{DateOrder, Hints, Kind, PERCENT, Reading, Style, TypeSet, unit_name};

/// How many columns a warning names.
const NAMED: usize = 10;

/// The subject of a warning, and its text.
struct Subject {
    code: &'static str,
    applies: fn(&TypeSet, Reading, &Hints) -> bool,
    detail: &'static str,
}

/// The subjects of warnings about columns.
const SUBJECTS: [Subject; 9] = [
    Subject {
        code: "decimal_comma",
        applies: |_, read, _| read.style.decimal() == ',',
        detail: "numbers with a decimal comma; `decimal=.` leaves them text",
    },
    Subject {
        code: "thousands_marks",
        applies: |kinds, read, _| is_styled(read) && has_groups(kinds, read),
        detail: "numbers with marks between thousands; `decimal=.` leaves them text",
    },
    Subject {
        code: "percentages",
        applies: |kinds, read, _| is_styled(read) && kinds.units().eq([PERCENT]),
        detail: "percentages, read as the number before the sign; `decimal=.` leaves them text",
    },
    Subject {
        code: "currencies",
        applies: |kinds, read, _| is_styled(read) && kinds.units().any(|unit| unit > PERCENT),
        detail: "amounts in a currency, read without it; `decimal=.` leaves them text",
    },
    Subject {
        code: "odd_negatives",
        applies: |kinds, read, _| is_styled(read) && !kinds.has(TypeSet::NO_ODD_SIGN),
        detail: "numbers in parentheses or with a minus at their end, read as negative; \
                 `decimal=.` leaves them text",
    },
    Subject {
        code: "day_first_dates",
        applies: |_, read, hints| orders(read, hints) == Some(DateOrder::Day),
        detail: "dates that begin with the day, as not all of them begin with a month; \
                 `date_order=mdy` leaves them text",
    },
    Subject {
        code: "month_first_dates",
        applies: |_, read, hints| orders(read, hints) == Some(DateOrder::Month),
        detail: "dates that begin with the month, as not all have one in the second place; \
                 `date_order=dmy` leaves them text",
    },
    Subject {
        code: "two_digit_years",
        applies: |kinds, read, _| is_date(read) && kinds.has_short_years(),
        detail: "dates with years of two digits, 69 to 99 read as 1969 to 1999 and 00 to 68 as \
                 2000 to 2068; another `date_order` reads them otherwise, or leaves them text",
    },
    Subject {
        code: "ambiguous_numbers",
        applies: |kinds, _, hints| kinds.is_ambiguous_number(hints),
        detail: "text that reads as numbers in several ways; `decimal` and `thousands` read it",
    },
];

/// Whether there are thousands separators: `1,234` is an integer only with one.
fn has_groups(kinds: &TypeSet, read: Reading) -> bool {
    let whole = read.kind == Kind::Integer && !kinds.has(TypeSet::NO_MARKS);
    whole || !kinds.has(TypeSet::NO_GROUPS)
}

fn is_styled(read: Reading) -> bool {
    read.style != Style::Plain
}

/// The order of dates, if it was detected.
fn orders(read: Reading, hints: &Hints) -> Option<DateOrder> {
    match read.kind {
        Kind::Date(order) | Kind::Timestamp(order) if hints.date_order.is_none() => Some(order),
        _ => None,
    }
}

fn is_date(read: Reading) -> bool {
    matches!(read.kind, Kind::Date(_) | Kind::Timestamp(_))
}

/// Adds to the report how the cells of all columns were read.
pub(crate) fn report_inference(
    report: &mut ReadReport,
    names: &[String],
    kinds: &[TypeSet],
    hints: &Hints,
) {
    let columns: Vec<(&String, &TypeSet, Reading)> = names
        .iter()
        .zip(kinds)
        .map(|(name, kinds)| (name, kinds, kinds.resolve(hints)))
        .collect();
    for subject in &SUBJECTS {
        let about = columns
            .iter()
            .filter(|(_, kinds, read)| (subject.applies)(kinds, *read, hints));
        let units = about.clone().flat_map(|(_, kinds, _)| kinds.units());
        let mut units: Vec<&str> = units.filter_map(unit_name).collect();
        units.dedup();
        let named: Vec<&str> = about.map(|(name, _, _)| name.as_str()).collect();
        if named.is_empty() {
            continue;
        }
        let of = if subject.code == "currencies" {
            format!(" ({})", units.join(", "))
        } else {
            String::new()
        };
        report.warnings.push(ReadWarning {
            code: subject.code.into(),
            line: None,
            count: named.len() as u64,
            detail: format!("{}: {}{of}", columns_of(&named), subject.detail),
        });
    }
    ambiguous_dates(report, &columns, hints);
    order_of_dates(report, &columns);
    if report.decimal.is_some() {
        decimal(report, &columns);
    }
}

/// A warning for each set of possible date orders, about the columns with it.
fn ambiguous_dates(
    report: &mut ReadReport,
    columns: &[(&String, &TypeSet, Reading)],
    hints: &Hints,
) {
    let about = columns
        .iter()
        .filter(|(_, kinds, read)| read.kind == Kind::Text && kinds.is_ambiguous_date(hints));
    let mut sets: Vec<(Vec<GivenOrder>, Vec<&str>)> = Vec::new();
    for (name, kinds, _) in about {
        let orders: Vec<GivenOrder> = kinds.date_orders().map(GivenOrder::from).collect();
        match sets.iter_mut().find(|(found, _)| *found == orders) {
            Some((_, names)) => names.push(name.as_str()),
            None => sets.push((orders, vec![name.as_str()])),
        }
    }
    for (orders, names) in sets {
        let options = orders.iter().map(|order| order.as_str());
        let options: Vec<String> = options
            .map(|order| format!("`date_order={order}`"))
            .collect();
        let text = match options.len() {
            1 => "text that reads as dates in an order that has to be given",
            _ => "text that reads as dates in several orders",
        };
        report.warnings.push(ReadWarning {
            code: "ambiguous_dates".into(),
            line: None,
            count: names.len() as u64,
            detail: format!(
                "{}: {text}; {} reads it",
                columns_of(&names),
                options.join(" or ")
            ),
        });
    }
}

/// `column a` or `columns a, b, …`.
fn columns_of(named: &[&str]) -> String {
    let plural = if named.len() == 1 { "" } else { "s" };
    let more = if named.len() > NAMED { ", …" } else { "" };
    let list = named[..named.len().min(NAMED)].join("`, `");
    format!("column{plural} `{list}`{more}")
}

/// The date order, if all columns with one agree.
fn order_of_dates(report: &mut ReadReport, columns: &[(&String, &TypeSet, Reading)]) {
    let orders = columns.iter().filter_map(|(_, _, read)| match read.kind {
        Kind::Date(order) | Kind::Timestamp(order) => Some(GivenOrder::from(order)),
        _ => None,
    });
    let mut orders: Vec<GivenOrder> = orders.collect();
    // Dates that begin with the year are compatible with any order.
    if orders.iter().any(|order| *order != GivenOrder::Ymd) {
        orders.retain(|order| *order != GivenOrder::Ymd);
    }
    orders.dedup();
    let agreed = match orders[..] {
        [order] => Some(order),
        _ => None,
    };
    report.date_order = agreed.or(report.date_order);
}

/// The decimal mark of the columns with one.
fn decimal(report: &mut ReadReport, columns: &[(&String, &TypeSet, Reading)]) {
    let styled = columns.iter().filter(|(_, _, read)| is_styled(*read));
    let commas = styled.filter(|(_, _, read)| read.style.decimal() == ',');
    if commas.count() > 0 {
        report.decimal = Some(",".into());
        report.steps.push(step(
            "numbers have a decimal comma".into(),
            Certainty::Certain,
        ));
    }
}

fn step(decision: String, certainty: Certainty) -> ReadStep {
    ReadStep {
        step: "refinement".into(),
        decision,
        certainty,
    }
}
