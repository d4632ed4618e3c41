//! The inferred schema of a dataset.

use std::collections::HashMap;

use lastcall_domain::{ReadReport, ReadWarning};

use crate::EngineError;
use crate::batch::{Batch, PLACES_NAMED, ReadDiagnostics};
use crate::parse::{Hints, Kind, TypeSet};
use crate::read::dataset::{Dataset, MAX_COLUMNS, Plan};
use crate::read::name_bytes::NameBytes;
use crate::sniff::{self, refinement};

/// The inferred columns so far.
pub(crate) struct InferredSchema {
    names: Vec<String>,
    kinds: Vec<TypeSet>,
    varied: Vec<bool>,
    name_bytes: NameBytes,
    /// The indices of columns that are not in the plan.
    more: HashMap<String, usize>,
    pub(crate) rows: u64,
    /// Whether all cells could be read as planned.
    pub(crate) fits: bool,
    /// Cells with text in a formula.
    formulas: u64,
    hints: Hints,
    notes: ReadDiagnostics,
    /// How many values of each column are out of range.
    out_of_range: Vec<u64>,
    digits: Vec<Digits>,
}

/// Counts of numbers of a column that lost digits.
#[derive(Clone, Copy, Default)]
struct Digits {
    present: u64,
    typed: u64,
    too_long: u64,
}

impl InferredSchema {
    /// The schema guessed from the first rows.
    pub(crate) fn new(dataset: &dyn Dataset) -> Self {
        let guesses = dataset.type_guesses();
        let kinds = guesses.iter().map(|guess| guess.kinds).collect();
        let varied = guesses.iter().map(|guess| guess.varied).collect();
        let names: Vec<String> = guesses.into_iter().map(|guess| guess.name).collect();
        Self {
            kinds,
            varied,
            name_bytes: NameBytes::of(&names),
            names,
            more: HashMap::new(),
            rows: 0,
            fits: true,
            formulas: 0,
            hints: dataset.hints(),
            notes: ReadDiagnostics::default(),
            out_of_range: Vec::new(),
            digits: Vec::new(),
        }
    }

    /// An empty schema with the names and declared types.
    pub(crate) fn nothing(dataset: &dyn Dataset, plan: &Plan) -> Self {
        Self {
            name_bytes: NameBytes::of(&plan.names),
            names: plan.names.clone(),
            varied: plan.varied.clone(),
            kinds: dataset
                .declared()
                .unwrap_or_else(|| vec![TypeSet::ALL; plan.kinds.len()]),
            more: HashMap::new(),
            rows: 0,
            fits: true,
            formulas: 0,
            hints: dataset.hints(),
            notes: ReadDiagnostics::default(),
            out_of_range: Vec::new(),
            digits: Vec::new(),
        }
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// If there are too many columns, or their names are too long.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<(), EngineError> {
        self.rows += batch.rows as u64;
        for (kinds, column) in self.kinds.iter_mut().zip(&batch.columns) {
            *kinds = kinds.and(column.kinds);
            self.fits &= column.fits;
            self.formulas += column.formulas;
        }
        self.out_of_range.resize(batch.columns.len(), 0);
        for (count, column) in self.out_of_range.iter_mut().zip(&batch.columns) {
            *count += column.out_of_range;
        }
        self.digits.resize(batch.columns.len(), Digits::default());
        for (digits, column) in self.digits.iter_mut().zip(&batch.columns) {
            digits.present += (column.values.len() - column.missing.count()) as u64;
            digits.typed += column.typed;
            digits.too_long += column.too_long;
        }
        for (name, kinds) in &batch.more {
            self.fits = false;
            match self.more.get(name) {
                Some(&at) => self.kinds[at] = self.kinds[at].and(*kinds),
                None => {
                    self.name_bytes.add(name.as_bytes())?;
                    self.more.insert(name.clone(), self.names.len());
                    self.names.push(name.clone());
                    self.kinds.push(*kinds);
                    self.varied.push(true);
                }
            }
        }
        if self.names.len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        let notes = &batch.notes;
        self.notes.ragged += notes.ragged;
        self.notes.ragged_first.extend(&notes.ragged_first);
        self.notes.ragged_first.truncate(PLACES_NAMED);
        self.notes.replaced += notes.replaced;
        self.notes.replaced_first.extend(&notes.replaced_first);
        self.notes.replaced_first.truncate(PLACES_NAMED);
        self.notes.beyond_ascii |= notes.beyond_ascii;
        self.notes.strays += notes.strays;
        self.notes.stray_line = self.notes.stray_line.or(notes.stray_line);
        self.notes.boms += notes.boms;
        if let Some(tail) = &notes.tail {
            self.notes.tail = Some(tail.clone());
        }
        Ok(())
    }

    /// Whether the text is not UTF-8: some of it is invalid, and none of the valid text is beyond
    /// ASCII.
    pub(crate) fn is_latin(&self) -> bool {
        self.notes.replaced > 0 && !self.notes.beyond_ascii
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    /// The plan to read the columns with.
    pub(crate) fn plan(&self) -> Plan {
        let hints = self.hints();
        let readings = self.kinds.iter().map(|kinds| kinds.resolve(&hints));
        let (kinds, styles) = readings
            .map(|reading| (reading.kind, reading.style))
            .unzip();
        Plan {
            names: self.names.clone(),
            kinds,
            styles,
            varied: self.varied.clone(),
        }
    }

    /// The options, and the decimal mark on which all columns with an unambiguous one agree.
    fn hints(&self) -> Hints {
        let mut marks = self.kinds.iter().filter_map(|kinds| kinds.decimal());
        let first = marks.next();
        let agreed = first.filter(|first| marks.all(|mark| mark == *first));
        Hints {
            decimal_of_others: agreed,
            ..self.hints
        }
    }

    /// How the dataset was read, with warnings.
    ///
    /// # Errors
    /// If too many rows differ in width from the header.
    pub(crate) fn report(&self, dataset: &dyn Dataset) -> Result<ReadReport, EngineError> {
        self.check_width()?;
        let mut report = dataset.report();
        let notes = &self.notes;
        if notes.ragged > 0 {
            let places = notes.ragged_first.iter();
            let places = places.map(|(line, cells)| format!("{line} ({cells} cells)"));
            report.warnings.push(ReadWarning {
                code: "ragged_rows".into(),
                line: notes.ragged_first.first().map(|(line, _)| *line),
                count: notes.ragged,
                detail: format!(
                    "rows without the {} cells of the header, filled up or cut: on line {}",
                    self.width(),
                    list(places, notes.ragged)
                ),
            });
        }
        if notes.replaced > 0 {
            let places = notes.replaced_first.iter().map(u64::to_string);
            let first = notes.replaced_first.first().copied();
            let has_lines = dataset.has_lines();
            report.warnings.push(ReadWarning {
                code: "replaced_characters".into(),
                line: first.filter(|_| has_lines),
                count: notes.replaced,
                detail: format!(
                    "invalid text was replaced with U+FFFD: {} {}",
                    if has_lines { "on line" } else { "in value" },
                    list(places, notes.replaced)
                ),
            });
        }
        if notes.strays > 0 {
            report.warnings.push(ReadWarning {
                code: "stray_quotes".into(),
                line: notes.stray_line,
                count: notes.strays,
                detail:
                    "quotes that are not closed on their line are characters; `quote=\"` pairs \
                         them across lines"
                        .into(),
            });
        }
        if notes.boms > 0 {
            report.warnings.push(sniff::boms(notes.boms));
        }
        if let Some(tail) = &notes.tail {
            report.warnings.extend(tail.warnings());
        }
        if self.formulas > 0 {
            report.warnings.push(ReadWarning {
                code: "formula_texts".into(),
                line: None,
                count: self.formulas,
                detail: format!(
                    "{} cells like =\"00501\" are read as the text in their quotes",
                    self.formulas
                ),
            });
        }
        let names = self.names.iter().map(String::as_str);
        let counts = self.out_of_range.iter().copied();
        report.warnings.extend(out_of_range(names.zip(counts)));
        report.warnings.extend(self.too_long());
        refinement::report_inference(&mut report, &self.names, &self.kinds, &self.hints());
        Ok(report)
    }

    /// The warnings about numbers whose digits do not fit: of columns that are text for that
    /// reason, and of floats.
    fn too_long(&self) -> impl Iterator<Item = ReadWarning> {
        let hints = self.hints();
        let columns = self.names.iter().zip(&self.kinds).zip(&self.digits);
        let (mut texts, mut floats) = (Vec::new(), Vec::new());
        for ((name, kinds), digits) in columns.filter(|(_, digits)| digits.too_long > 0) {
            match kinds.resolve(&hints).kind {
                Kind::Text if digits.typed + digits.too_long == digits.present => {
                    texts.push((name.as_str(), digits.too_long));
                }
                Kind::Float => floats.push((name.as_str(), digits.too_long)),
                _ => {}
            }
        }
        let text = "whole numbers beyond 64 bits keep their digits, as text";
        let float = "numbers of more digits than a double holds are rounded";
        let texts = of_columns("long_integers", text, texts);
        texts
            .into_iter()
            .chain(of_columns("rounded_numbers", float, floats))
    }

    /// Fails if more than half of the rows differ in width from the header, and not by chance (by
    /// the lower bound of Wilson's interval at two standard deviations).
    fn check_width(&self) -> Result<(), EngineError> {
        let (rows, differ) = (self.rows as f64, self.notes.ragged as f64);
        let share = differ / rows.max(1.0);
        let spread = (share * (1.0 - share) * rows + 1.0).sqrt();
        if (differ + 2.0 - 2.0 * spread) / (rows + 4.0) <= 0.5 {
            return Ok(());
        }
        let width = self.width();
        let (line, cells) = self.notes.ragged_first.first().copied().unzip();
        let fields = |n: usize| format!("{n} field{}", if n == 1 { "" } else { "s" });
        Err(EngineError::Malformed {
            format: "CSV",
            line,
            column: None,
            detail: format!(
                "expected {} (from the header), found {}; {} of {} rows differ",
                fields(width),
                cells.unwrap_or_default(),
                self.notes.ragged,
                self.rows
            ),
        })
    }
}

/// The warning about columns with dates or times out of range.
pub(crate) fn out_of_range<'n>(
    columns: impl IntoIterator<Item = (&'n str, u64)>,
) -> Option<ReadWarning> {
    let columns = columns.into_iter().filter(|(_, count)| *count > 0);
    let what = "dates and times out of range count as missing";
    of_columns("out_of_range", what, columns.collect())
}

/// A warning about values of some columns.
fn of_columns(code: &str, what: &str, columns: Vec<(&str, u64)>) -> Option<ReadWarning> {
    let count: u64 = columns.iter().map(|(_, count)| count).sum();
    let places = columns.iter().take(PLACES_NAMED);
    let places = places.map(|(name, count)| format!("{name} ({count})"));
    (count > 0).then(|| ReadWarning {
        code: code.into(),
        line: None,
        detail: format!("{what}: in column {}", list(places, columns.len() as u64)),
        count,
    })
}

fn list(places: impl Iterator<Item = String>, all: u64) -> String {
    let named: Vec<String> = places.collect();
    let more = if all > named.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", named.join(", "))
}
