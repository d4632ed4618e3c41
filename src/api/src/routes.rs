//! The routes.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage, Resource, Route, web};
use lastcall_jwt::settings::METADATA_PATH;

use crate::errors::Code;
use crate::problem::Problem;
use crate::state::ApiState;
use crate::{
    analyses, audit, datasets, events, health, jobs, metrics, openapi, pages, reports,
    resource_metadata, result, sessions, system, system_events, upload,
};

/// Adds every route. The state must be app data as well.
pub(crate) fn all(config: &mut web::ServiceConfig) {
    config
        .configure(probes)
        .service(resource("/openapi.json", "GET, HEAD").route(get().to(openapi::get)))
        .service(resource(&metadata_path(), "GET, HEAD").route(get().to(resource_metadata::get)))
        .service(resource("/", "GET, HEAD").route(get().to(pages::live)))
        .service(resource("/assets/{name}", "GET, HEAD").route(get().to(pages::asset)))
        .service(resource("/docs", "GET, HEAD").route(get().to(pages::docs)))
        .service(resource("/docs/errors", "GET, HEAD").route(get().to(pages::errors)))
        .service(resource("/docs/{name}", "GET, HEAD").route(get().to(pages::swagger)))
        .service(
            web::scope("/v1")
                .wrap(from_fn(authenticate))
                .configure(version_1)
                .default_service(web::to(not_found)),
        )
        .default_service(web::to(not_found));
}

/// The path of the metadata, which the path of the resource may follow.
fn metadata_path() -> String {
    format!("{METADATA_PATH}{{path:.*}}")
}

/// Adds the routes of the administration address.
pub(crate) fn admin(config: &mut web::ServiceConfig) {
    config
        .configure(probes)
        .service(
            web::scope("/v1")
                .wrap(from_fn(authenticate))
                .configure(process)
                .default_service(web::to(not_found)),
        )
        .default_service(web::to(not_found));
}

fn probes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/livez", "GET, HEAD").route(get().to(health::livez)))
        .service(resource("/readyz", "GET, HEAD").route(get().to(health::readyz)))
        .service(resource("/metrics", "GET, HEAD").route(get().to(metrics::get)));
}

fn process(config: &mut web::ServiceConfig) {
    config
        .service(resource("/system", "GET, HEAD").route(get().to(system::get)))
        .service(resource("/system/events", "GET").route(web::get().to(system_events::get)))
        .service(resource("/system/drain", "POST").route(web::post().to(system::drain)));
}

fn version_1(config: &mut web::ServiceConfig) {
    config
        .service(
            resource("/sessions", "GET, HEAD, POST")
                .route(get().to(sessions::list))
                .route(web::post().to(sessions::create)),
        )
        .service(
            resource("/sessions/{sid}", "GET, HEAD, DELETE")
                .route(get().to(sessions::get))
                .route(web::delete().to(sessions::delete)),
        )
        .service(resource("/sessions/{sid}/datasets", "GET, HEAD").route(get().to(datasets::list)))
        .service(
            resource(
                "/sessions/{sid}/datasets/{name}",
                "GET, HEAD, PUT, PATCH, DELETE",
            )
            .route(get().to(datasets::get))
            .route(web::put().to(upload::put))
            .route(web::patch().to(datasets::patch))
            .route(web::delete().to(datasets::delete)),
        )
        .service(
            resource("/sessions/{sid}/analyses", "POST").route(web::post().to(analyses::create)),
        )
        .service(resource("/sessions/{sid}/reports", "POST").route(web::post().to(reports::create)))
        .service(resource("/jobs", "GET, HEAD").route(get().to(jobs::list)))
        .service(
            resource("/jobs/{id}", "GET, HEAD, DELETE")
                .route(get().to(jobs::get))
                .route(web::delete().to(jobs::cancel)),
        )
        .service(resource("/jobs/{id}/events", "GET").route(web::get().to(events::get)))
        .service(resource("/jobs/{id}/result", "GET, HEAD").route(get().to(result::get)))
        .configure(process);
}

/// A path, and its methods.
fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Err::<&str, _>(
            Problem::new(Code::MethodNotAllowed, format!("allowed: {allow}"))
                .with_header(header::ALLOW, HeaderValue::from_static(allow)),
        )
    }))
}

/// GET, and HEAD as GET without the body.
fn get() -> Route {
    web::route().guard(guard::fn_guard(|request| {
        guard::Get().check(request) || guard::Head().check(request)
    }))
}

async fn not_found() -> Result<&'static str, Problem> {
    Err(Problem::new(Code::NotFound, "see /docs for what there is"))
}

/// Requests for observing and stopping the process are not rate-limited.
const UNCOUNTED: &str = "/v1/system";

/// Authenticates requests, and applies the rate limit.
async fn authenticate(
    state: web::Data<ApiState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match state.caller(request.method(), request.headers()).await {
        Ok(caller) => {
            // The log names the owner of rejected requests, too.
            request.extensions_mut().insert(caller.clone());
            let quota = match request.path().starts_with(UNCOUNTED) {
                true => None,
                false => state.rate_limiter.take(&caller.owner, state.clock.now()),
            };
            let mut answer = match quota {
                Some(Err(quota)) => request.error_response(quota.refusal()),
                _ => {
                    let answer = next.call(request).await?;
                    if state.config.audit {
                        audit::log_change(&caller, &answer);
                    }
                    answer.map_into_boxed_body()
                }
            };
            if let Some(Ok(quota) | Err(quota)) = quota {
                quota.write_headers(answer.headers_mut());
            }
            Ok(answer)
        }
        Err(problem) => Ok(request.error_response(problem)),
    }
}
