//! `/login/cancel`: the citizen gives up, and the gateway that waits is told (RFC 6749, `access_denied`).

use crate::{
    app::{self, Hub},
    browser,
    oidc::grant::{self, Login},
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, post, web};

/// Ends the login of this browser.
#[post("/login/cancel")]
pub async fn cancel(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    // Another site must not end a login: browsers say where a form comes from (Fetch Metadata).
    let elsewhere = request.headers().get("Sec-Fetch-Site").is_some_and(|site| site == "cross-site");
    let Some(browser) = browser::known(&request).filter(|_| !elsewhere) else {
        return pages::see("/login").finish();
    };
    let login: Option<Login> = match hub.store.take(Kind::Login, &browser, app::now().as_second()).await {
        Ok(login) => login,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    match login.map(|login| grant::refuse(&hub, &login, "access_denied")) {
        Some(Ok(url)) => pages::see(url.as_str()).finish(),
        Some(Err(error)) => pages::fault(&hub, &request, "cancel", &error.into()),
        None => pages::see("/login").finish(),
    }
}
