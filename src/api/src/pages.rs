//! The pages: the live page, the API documentation, the list of errors. All assets are in the
//! binary; their policies allow no other source.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::errors_page;
use crate::problem::{ApiResult, Problem};
use crate::{errors::Code, state::ApiState};

/// The policy of the pages: they may only use the assets and the API of this service.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// Swagger UI uses inline styles, and data URLs in its styles.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; \
                              style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                              connect-src 'self'; base-uri 'none'; form-action 'none'; \
                              frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Name, media type and content of the pages' assets.
const ASSETS: &[(&str, &str, &str)] = &[
    ("client.js", SCRIPT, include_str!("../assets/client.js")),
    ("docs.css", STYLE, include_str!("../assets/docs.css")),
    ("docs.js", SCRIPT, include_str!("../assets/docs.js")),
    ("dom.js", SCRIPT, include_str!("../assets/dom.js")),
    ("follow.js", SCRIPT, include_str!("../assets/follow.js")),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    ),
    ("jobs.js", SCRIPT, include_str!("../assets/jobs.js")),
    ("main.js", SCRIPT, include_str!("../assets/main.js")),
    ("profile.js", SCRIPT, include_str!("../assets/profile.js")),
    ("query.js", SCRIPT, include_str!("../assets/query.js")),
    ("shutdown.js", SCRIPT, include_str!("../assets/shutdown.js")),
    ("style.css", STYLE, include_str!("../assets/style.css")),
    ("tree.js", SCRIPT, include_str!("../assets/tree.js")),
    (
        "workbench.js",
        SCRIPT,
        include_str!("../assets/workbench.js"),
    ),
];

/// `GET /`
pub(crate) async fn live() -> HttpResponse {
    page(include_str!("../assets/index.html").to_owned(), POLICY)
}

/// `GET /docs`
pub(crate) async fn docs() -> HttpResponse {
    page(
        include_str!("../assets/docs.html").to_owned(),
        SWAGGER_POLICY,
    )
}

/// `GET /docs/errors`
pub(crate) async fn errors() -> HttpResponse {
    page(errors_page::html(), POLICY)
}

/// `GET /assets/{name}`
pub(crate) async fn asset(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let (_, media_type, content) = ASSETS
        .iter()
        .find(|(asset, ..)| *asset == *name)
        .ok_or_else(|| Problem::new(Code::NotFound, "the pages have no such part"))?;
    Ok(part(&state, media_type).body(*content))
}

/// `GET /docs/{name}`: the parts of Swagger UI that its page uses.
pub(crate) async fn swagger(
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let missing = || Problem::new(Code::NotFound, "the documentation has no such part");
    if !["swagger-ui.css", "swagger-ui-bundle.js"].contains(&name.as_str()) {
        return Err(missing());
    }
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    let file = utoipa_swagger_ui::serve(&name, config)
        .ok()
        .flatten()
        .ok_or_else(missing)?;
    Ok(part(&state, &file.content_type).body(file.bytes.into_owned()))
}

fn page(html: String, policy: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(HTML)
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(html)
}

/// An asset; it changes with the version only.
fn part(state: &ApiState, media_type: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type(media_type)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(header::ETag(header::EntityTag::new_strong(
            state.config.version.clone(),
        )));
    response
}

#[cfg(test)]
mod tests {
    use lastcall_domain::Format;

    #[test]
    fn the_live_page_takes_every_format_that_the_service_reads() {
        let page = include_str!("../assets/index.html");
        let script = include_str!("../assets/workbench.js");
        for (ending, format) in Format::ENDINGS {
            assert!(page.contains(&format!(".{ending},")), "{ending}");
            let entry = format!("{ending}: \"{format}\"");
            assert!(script.contains(&entry), "{entry}");
        }
    }
}
