//! Units and currencies around a number.

use super::kinds::UNITS;

/// Units, by how they are written before or behind a number. The place is the unit's number; two
/// ways to write one currency are two units, as they may be two currencies.
pub(super) const UNIT_NAMES: [&str; UNITS as usize - 1] = [
    "%", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₪", "฿", "₫", "₦", "R$", "kr", "Kč", "zł",
    "Ft", "CHF", "USD", "EUR", "GBP", "JPY", "CNY",
];

/// How a unit is called in a warning.
pub(crate) fn unit_name(unit: u32) -> Option<&'static str> {
    let at = usize::try_from(unit).ok()?.checked_sub(1)?;
    UNIT_NAMES.get(at).copied()
}

/// The unit of percentages.
pub(crate) const PERCENT: u32 = 1;
