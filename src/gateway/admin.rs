//! What the site's administrator reaches, from the office network only. For now the state of the site; the shares are
//! set here later.

pub mod health;
pub mod status;

use crate::{board::Board, line::live::Live};
use actix_web::web;
use std::sync::{Arc, atomic::AtomicBool};
use varco_web::page;

/// What the admin pages work with.
#[derive(Debug)]
pub struct Admin {
    /// The site's title.
    pub title: String,
    /// The site's state.
    pub board: Arc<Board>,
    /// The line's state.
    pub line: Arc<Live>,
    /// Whether the hub answered when it was last asked.
    pub hub: Arc<AtomicBool>,
}

/// The pages.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(status::show).service(health::answer).service(page::style_sheet);
}
