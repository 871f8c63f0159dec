//! The provider's pages: plain forms, no JavaScript.

use super::{
    behaviour::Behaviour,
    citizen::{CITIZENS, PASSWORD},
    request::{Fault, Request},
    scheme::Scheme,
};
use maud::{DOCTYPE, Markup, html};

fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="it" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
            }
            body {
                main {
                    h1 { (title) }
                    p { strong { "Gestore di prova: nessuna identità vera." } }
                    (body)
                }
            }
        }
    }
}

/// Who are you? `again` says that the last try was wrong.
pub fn login(scheme: Scheme, token: &str, request: &Request, default: Behaviour, again: bool) -> Markup {
    page(
        scheme.title(),
        &html! {
            p { (request.issuer) " chiede il livello " (request.level) " e: " (request.attributes.join(", ")) "." }
            @if again { p role="alert" { "Nome utente o password errati." } }
            form method="post" action="/sso/login" {
                input type="hidden" name="token" value=(token);
                p { label { "Nome utente " input name="username" autocomplete="username" required; } }
                p { label { "Password " input type="password" name="password" autocomplete="current-password"; } }
                p { label { "Comportamento "
                    select name="behaviour" {
                        @for b in Behaviour::ALL.iter().filter(|b| scheme.knows(**b)) {
                            option value=(b) selected[*b == default] { (b) ": " (b.says()) }
                        }
                    }
                } }
                p {
                    button name="action" value="login" { "Entra" } " "
                    button name="action" value="cancel" formnovalidate { "Annulla" }
                }
            }
            (citizens())
        },
    )
}

fn citizens() -> Markup {
    html! {
        table {
            caption { "Cittadini di prova; password: " code { (PASSWORD) } }
            tr { th { "Nome utente" } th { "Nome" } th { "Codice fiscale" } }
            @for c in &CITIZENS {
                tr { td { code { (c.user) } } td { (c.name) " " (c.family_name) } td { (c.fiscal_code()) } }
            }
        }
    }
}

/// Carries a message to `url` by the citizen's own click.
pub fn carry(url: &str, field: &str, message: &str, relay_state: Option<&str>) -> Markup {
    page(
        "Ritorno al servizio",
        &html! {
            form method="post" action=(url) {
                input type="hidden" name=(field) value=(message);
                @if let Some(state) = relay_state { input type="hidden" name="RelayState" value=(state); }
                p { button { "Continua" } }
            }
        },
    )
}

/// The citizen is out, and nobody is told.
pub fn left() -> Markup {
    page("Uscita", &html! { p { "Sei uscito." } })
}

/// The request breaks a rule.
pub fn refused(fault: &Fault) -> Markup {
    page(
        "Richiesta non valida",
        &html! {
            p { "ErrorCode nr" (format!("{:02}", fault.code)) }
            p { (fault.why) }
        },
    )
}

/// Something else is wrong.
pub fn trouble(what: &str) -> Markup {
    page("Non disponibile", &html! { p { (what) } })
}
