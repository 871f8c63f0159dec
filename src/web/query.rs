//! What stands in a request's address behind the question mark.

use actix_web::{HttpRequest, web::Query};
use serde::de::DeserializeOwned;

/// It, or nothing of it where some of it cannot be read: what needs it says that it is missing.
pub fn of<T: DeserializeOwned + Default>(request: &HttpRequest) -> T {
    Query::from_query(request.query_string()).map(Query::into_inner).unwrap_or_default()
}
