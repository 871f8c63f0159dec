//! A change of shares in the words of the pages.

use varco_policy::{
    Shares,
    share_key::{self, Part},
    wire::Direction,
};
use varco_templates::shares::Changed;

/// What changes from one to the other.
pub fn changed(from: &Shares, to: &Shares) -> Vec<Changed> {
    let each = share_key::difference(from, to).into_iter().map(|change| Changed {
        lane: change.key.lane.word(),
        up: change.key.direction == Direction::Up,
        ceiling: change.key.part == Part::Ceiling,
        from: change.from.to_string(),
        to: change.to.to_string(),
        rises: change.to > change.from,
    });
    each.collect()
}
