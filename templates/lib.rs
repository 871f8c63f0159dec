//! The pages: a view struct goes in, markup comes out. No request, no clock, no JavaScript.
//!
//! Every word a person reads is in `text/<language>/*.toml`; a language that lacks a key does not build a page
//! half-translated, it fails the test that loads all of them.

pub mod admin;
pub mod chart;
pub mod console;
pub mod evidence;
pub mod hub;
pub mod lang;
pub mod layout;
pub mod portal;
pub mod shares;
pub mod text;

pub use lang::Lang;

/// The style sheet of every page, served by the programs themselves: a citizen without a pass reaches no other host.
pub const STYLE_SHEET: &str = include_str!("assets/varco.css");

/// The images of the login buttons, by name; `assets/SOURCES.md` says whose they are. SVG.
pub const BUTTONS: [(&str, &str); 4] = [
    ("spid", include_str!("assets/spid.svg")),
    ("cie", include_str!("assets/cie.svg")),
    ("eidas", include_str!("assets/eidas.svg")),
    ("card", include_str!("assets/card.svg")),
];
