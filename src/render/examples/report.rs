//! Renders a report of an analysis that was saved as JSON: `report ANALYSIS.json OUT`.
//! The extension of OUT selects the format: html, pdf, xlsx or md.

use std::error::Error;

use lastcall_domain::profile::Profile;
use lastcall_domain::{Cancel, ReportFormat, SqlResult};
use lastcall_render::{Renderer, ReportInput};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(from), Some(to)) = (args.next(), args.next()) else {
        return Err("usage: report ANALYSIS.json OUT".into());
    };
    let format =
        ReportFormat::from_file_name(&to).ok_or("OUT must end in html, pdf, xlsx or md")?;
    let value: Value = serde_json::from_slice(&std::fs::read(&from)?)?;
    let now = chrono::Utc::now();
    let (profile, table): (Profile, SqlResult);
    let input = if value.get("dataset").is_some() && value.get("alerts").is_some() {
        profile = serde_json::from_value(value)?;
        ReportInput::profile(&profile, now)
    } else if value.get("row_count").is_some() {
        table = serde_json::from_value(value)?;
        ReportInput::table(&table, None, now)
    } else if value.get("pairs").is_some() {
        ReportInput::other("correlation", &value, now)
    } else if value.get("baseline").is_some() {
        ReportInput::other("compare", &value, now)
    } else {
        ReportInput::other("analysis", &value, now)
    };
    let bytes = Renderer::default().render(&input, format, &Cancel::new())?;
    Ok(std::fs::write(to, bytes)?)
}
