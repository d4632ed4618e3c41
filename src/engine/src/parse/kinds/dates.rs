//! In which order the fields of a column's dates are read.

use super::{DateOrder, Hints, Kind, LONG_YEARS, Reading, SHORT_YEARS, TypeSet};

impl TypeSet {
    /// The reading of a column of dates or points in time.
    pub(super) fn resolve_date(self, hints: &Hints) -> Reading {
        use DateOrder::{Day, Month, Year};
        if self.has(Self::DATE) {
            return Reading::of(Kind::Date(Year));
        }
        // Long years come before short ones, dates before points in time.
        let short = self.short_orders(hints);
        let order = |day_first: Self, month_first: Self, short: &[DateOrder]| {
            let orders = [(day_first, Day), (month_first, Month)].into_iter();
            let long = orders.filter(|(kinds, _)| self.has(*kinds));
            let long: Vec<DateOrder> = long.map(|(_, order)| order).collect();
            hints.order(if long.is_empty() { short } else { &long })
        };
        let dates = if self.has(Self::SHORT_DATE) {
            short.as_slice()
        } else {
            &[]
        };
        if let Some(order) = order(Self::DATE_DAY_FIRST, Self::DATE_MONTH_FIRST, dates) {
            return Reading::of(Kind::Date(order));
        }
        if self.has(Self::TIME) {
            return Reading::of(Kind::Timestamp(Year));
        }
        let order = order(Self::TIME_DAY_FIRST, Self::TIME_MONTH_FIRST, &short);
        Reading::of(order.map_or(Kind::Text, Kind::Timestamp))
    }

    /// The orders that are given, or that need not be, of dates whose years may have two digits.
    fn short_orders(self, hints: &Hints) -> Vec<DateOrder> {
        let orders = [
            (Self::SHORT_DAY_FIRST, Self::CREDIBLE, DateOrder::Day),
            (Self::SHORT_MONTH_FIRST, Self::CREDIBLE, DateOrder::Month),
            (
                Self::SHORT_YEAR_FIRST,
                Self::CREDIBLE_YEAR_FIRST,
                DateOrder::Year,
            ),
        ];
        let fitting = orders.into_iter().filter(|&(kinds, credible, order)| {
            self.has(kinds) && (self.has(credible) || hints.date_order == Some(order))
        });
        fitting.map(|(.., order)| order).collect()
    }

    /// Whether the column is of dates or times that could be read in several orders.
    pub(crate) fn is_ambiguous_date(self, hints: &Hints) -> bool {
        let open = Hints {
            date_order: None,
            ..*hints
        };
        self != Self::ALL && self.is_date() && self.resolve_date(&open).kind == Kind::Text
    }

    /// The orders of dates that would read the column, were they given.
    pub(crate) fn date_orders(self) -> impl Iterator<Item = DateOrder> {
        let orders = [DateOrder::Day, DateOrder::Month, DateOrder::Year];
        orders.into_iter().filter(move |&order| {
            let given = Hints {
                date_order: Some(order),
                ..Hints::default()
            };
            self.resolve_date(&given).kind != Kind::Text
        })
    }

    /// Whether years of two digits are among the dates.
    pub(crate) fn has_short_years(self) -> bool {
        let long = self.has_any(Self(LONG_YEARS));
        self != Self::ALL && !long && self.has_any(Self(SHORT_YEARS))
    }
}

impl Hints {
    /// The given order, if it is one of these; else the only one.
    fn order(&self, orders: &[DateOrder]) -> Option<DateOrder> {
        match (self.date_order, orders) {
            (Some(given), _) => orders.contains(&given).then_some(given),
            (None, [only]) => Some(*only),
            (None, _) => None,
        }
    }
}
