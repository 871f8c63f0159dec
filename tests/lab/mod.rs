//! The lab: a whole site in network namespaces, as an ordinary user. The Internet (`wan`), the site's router
//! (`gateway`), an office and guests are hosts of their own; the programs on them are the real ones.

pub mod browser;
pub mod card;
pub mod chart;
pub mod console;
pub mod demo;
pub mod dhcp;
pub mod door;
pub mod down;
pub mod enter;
pub mod history;
pub mod hold;
pub mod host;
pub mod html;
pub mod keys;
pub mod login;
pub mod lookup;
pub mod office;
pub mod plan;
pub mod process;
pub mod programs;
pub mod ready;
pub mod render;
pub mod report;
pub mod space;
pub mod state;
pub mod supervise;
pub mod tsa;
pub mod up;
pub mod web;
pub mod wires;

pub use plan::{Host, Plan};
pub use state::Lab;
