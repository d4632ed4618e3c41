//! Associations between the columns of a dataset, with p-values.
//!
//! Numeric columns are compared by value; text columns of up to 100 distinct values and booleans
//! as categories. For measures of categories, numeric columns are cut into deciles.

mod tables;

use lastcall_domain::ReadOptions;
use lastcall_domain::correlation::{Coefficient, ComparedColumn, CorrelationReport, LeftOut, Pair};

pub(crate) use self::tables::Table;
use self::tables::parts;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::parse::Kind;
use crate::pipeline::{Consumer, Resources};
use crate::read;
use crate::read::dataset::Plan;
use crate::stats::p_values;
use crate::stats::pearson::{MOST_CATEGORIES, MOST_COLUMNS, PearsonAccumulator};
use crate::stats::spearman::Ranked;
use crate::{EngineError, Source, passes};

/// Compares all pairs of columns.
pub(crate) fn correlation(
    source: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<CorrelationReport, EngineError> {
    let dataset = read::open(source, options, resources, context)?;
    let limits = &resources.limits;
    let stable = passes::infer_until_stable(
        dataset,
        resources,
        context,
        |plan| {
            let (compared, left_out) = choose(plan);
            let bytes = limits.rank_rows + limits.columns / 2;
            Sums {
                pairs: PearsonAccumulator::new(compared.clone(), bytes, source.seed),
                compared,
                left_out,
            }
        },
        |sums| vec![Box::new(PairsConsumer(&mut sums.pairs)) as Box<dyn Consumer + '_>],
    )?;
    report(
        source,
        stable.state,
        &stable.plan,
        stable.inferred.rows,
        context,
    )
}

struct Sums {
    pairs: PearsonAccumulator,
    /// The indices of the compared columns.
    compared: Vec<usize>,
    left_out: Vec<LeftOut>,
}

/// The columns to compare, and the excluded ones.
fn choose(plan: &Plan) -> (Vec<usize>, Vec<LeftOut>) {
    let mut compared = Vec::new();
    let mut left_out = Vec::new();
    for (at, (name, kind)) in plan.names.iter().zip(&plan.kinds).enumerate() {
        let reason = match kind {
            Kind::Date(_) | Kind::Timestamp(_) => "dates and times are not compared".into(),
            _ if compared.len() == MOST_COLUMNS => {
                format!("no more than {MOST_COLUMNS} columns are compared")
            }
            _ => {
                compared.push(at);
                continue;
            }
        };
        left_out.push(LeftOut {
            column: name.clone(),
            reason,
        });
    }
    (compared, left_out)
}

struct PairsConsumer<'a>(&'a mut PearsonAccumulator);

impl Consumer for PairsConsumer<'_> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        self.0.add(batch, context)
    }
}

/// A column with its ranks and its categories.
struct Compared {
    name: String,
    numeric: bool,
    ranked: Ranked,
    /// The category of each distinct value.
    parts: Vec<u32>,
}

fn report(
    source: &Source,
    sums: Sums,
    plan: &Plan,
    rows: u64,
    context: JobContext<'_>,
) -> Result<CorrelationReport, EngineError> {
    let overflown = sums.pairs.overflown();
    let mut correlated = sums.pairs.finish(context)?;
    let sample = correlated
        .ranks
        .is_sample()
        .then(|| correlated.ranks.rows() as u64);
    let mut left_out = sums.left_out;
    let mut columns = Vec::new();
    let mut compared = Vec::new();
    let ranked = correlated.ranks.ranked(context)?.into_iter().zip(overflown);
    for ((ranked, overflown), &at) in ranked.zip(&sums.compared) {
        let (name, kind) = (plan.names[at].clone(), plan.kinds[at]);
        if overflown {
            left_out.push(LeftOut {
                column: name,
                reason: format!("it has more than {MOST_CATEGORIES} different texts"),
            });
            compared.push(None);
            continue;
        }
        columns.push(ComparedColumn {
            name: name.clone(),
            kind: kind.column_type(),
        });
        let numeric = kind.is_numeric();
        compared.push(Some(Compared {
            name,
            numeric,
            parts: parts(&ranked, numeric),
            ranked,
        }));
    }
    let mut pairs = Vec::new();
    let mut complete = correlated.complete.iter();
    for (i, x) in compared.iter().enumerate() {
        for (j, y) in compared.iter().enumerate().skip(i + 1) {
            let n = complete.next().copied().unwrap_or(0);
            if let (Some(x), Some(y)) = (x, y) {
                pairs.push(pair(x, y, correlated.pearson[i][j], n, context)?);
            }
        }
    }
    context.progress.set(1.0);
    Ok(CorrelationReport {
        dataset: source.name.clone(),
        rows,
        columns,
        pairs,
        left_out,
        sample,
    })
}

fn pair(
    x: &Compared,
    y: &Compared,
    pearson: Option<f64>,
    n: u64,
    context: JobContext<'_>,
) -> Result<Pair, EngineError> {
    let table = Table::new(x.ranked.cross(&y.ranked, (&x.parts, &y.parts), context)?);
    let coefficient = |value: f64, n: u64| Coefficient {
        value,
        p_value: p_values::correlation(value, n),
    };
    let both = x.numeric && y.numeric;
    let spearman = if both {
        x.ranked.correlation(&y.ranked, context)?
    } else {
        None
    };
    Ok(Pair {
        x: x.name.clone(),
        y: y.name.clone(),
        n: table.total(),
        pearson: pearson.filter(|_| both).map(|r| coefficient(r, n)),
        spearman: spearman.map(|rho| coefficient(rho, table.total())),
        cramers_v: if both { None } else { table.cramers_v() },
        mutual_information: table.mutual_information(),
    })
}
