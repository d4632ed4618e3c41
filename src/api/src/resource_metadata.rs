//! `/.well-known/oauth-protected-resource` (RFC 9728): who issues tokens for this service, and
//! their scopes.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use lastcall_jwt::Access;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::Code;
use crate::problem::{ApiResult, Document, Problem};
use crate::state::ApiState;

/// What clients need to know to get a token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResourceMetadata)]
pub(crate) struct MetadataView<'a> {
    /// The service: `auth.jwt.resource`.
    #[schema(example = "https://lastcall.example.com")]
    resource: &'a str,
    /// Who makes tokens for it.
    authorization_servers: [&'a str; 1],
    /// The scopes that tokens may have.
    scopes_supported: [&'static str; 3],
    /// How a token is sent: in the header `Authorization`.
    bearer_methods_supported: [&'static str; 1],
    /// The name of the service.
    resource_name: &'static str,
}

/// `GET /.well-known/oauth-protected-resource`
#[utoipa::path(
    get,
    path = "/.well-known/oauth-protected-resource",
    tag = "system",
    operation_id = "getResourceMetadata",
    summary = "Get the metadata of the protected resource",
    description = "RFC 9728. Needs no token.",
    responses(
        (status = 200, description = "The metadata", body = MetadataView<'static>),
        (status = 404, description = "`auth.mode` is not `jwt`", body = Document<'static>,
         content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    path: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let settings = state.token_settings();
    let settings = settings
        .as_deref()
        .filter(|settings| settings.has_metadata_at(&path))
        .ok_or_else(|| Problem::new(Code::NotFound, "no tokens are accepted here"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .json(MetadataView {
            resource: &settings.resource,
            authorization_servers: [&settings.issuer],
            scopes_supported: Access::ALL.map(Access::scope),
            bearer_methods_supported: ["header"],
            resource_name: "Lastcall",
        }))
}
