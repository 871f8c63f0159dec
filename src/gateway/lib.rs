//! The site program: portal, captive portal API, admin pages, records of a building.
//!
//! `site` decides, without I/O; `event_loop` performs; everything else is an edge.

pub mod admin;
pub mod board;
pub mod change;
pub mod commands;
pub mod control;
pub mod enforcer;
pub mod event_loop;
pub mod hub;
pub mod line;
pub mod neighbour;
pub mod portal;
pub mod run;
pub mod settings;
pub mod ship;
pub mod site;
pub mod store;
