//! Single logout in both directions.
