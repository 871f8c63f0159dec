//! The form of the shares: what was typed, as shares, or what is wrong with it.

use crate::site::shares::Told;
use std::collections::BTreeMap;
use varco_policy::{
    Lane, Rate, ShareKey, Shares,
    share_key::Part,
    wire::{Capacity, Direction},
};
use varco_templates::shares::{Field, Form, Mend, Problem};
use varco_web::token;

/// The fields of a form, as they were sent.
#[derive(Debug, Default)]
pub struct Sent(BTreeMap<String, String>);

impl Sent {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// A field; empty when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The shares, or the form to be mended.
    ///
    /// # Errors
    /// When a rate is none, or the site cannot have the shares.
    pub fn shares(&self, before: &Shares, told: &Told) -> Result<Shares, Form> {
        let (mut shares, mut problems) = (*before, BTreeMap::new());
        for key in ShareKey::all() {
            match self.get(&key.to_string()).trim().parse::<Rate>() {
                Ok(rate) => key.set(&mut shares, rate),
                Err(_) => {
                    problems.insert(key, Problem::NotARate);
                }
            }
        }
        for key in ShareKey::all() {
            if let (false, Some(problem)) = (problems.contains_key(&key), problem(key, &shares, told)) {
                problems.insert(key, problem);
            }
        }
        let fields = || self.form(&problems);
        if !problems.is_empty() {
            return Err(Form { mend: Some(Mend::Fields), ..fields() });
        }
        match sold_twice(&shares, told) {
            Some(mend) => Err(Form { mend: Some(mend), ..fields() }),
            None => Ok(shares),
        }
    }

    /// The form with what was typed, and nothing wrong.
    pub fn again(&self) -> Form {
        self.form(&BTreeMap::new())
    }

    fn form(&self, problems: &BTreeMap<ShareKey, Problem>) -> Form {
        let of =
            |key: ShareKey| field(key, self.get(&key.to_string()).to_owned(), problems.get(&key).cloned());
        Form { fields: ShareKey::all().map(of).collect(), base: self.get("base").to_owned(), mend: None }
    }
}

/// The form with these shares.
pub fn form(shares: &Shares) -> Form {
    let fields = ShareKey::all().map(|key| field(key, key.of(shares).to_string(), None)).collect();
    Form { fields, base: base(shares), mend: None }
}

/// What stands for the shares that a form was made from.
pub fn base(shares: &Shares) -> String {
    let all: Vec<_> = ShareKey::all().map(|key| key.of(shares).bits().to_string()).collect();
    token::digest(&all.join(" "))
}

fn field(key: ShareKey, value: String, problem: Option<Problem>) -> Field {
    let (lane, up, ceiling) = (key.lane.word(), key.direction == Direction::Up, key.part == Part::Ceiling);
    Field { lane, up, ceiling, name: key.to_string(), value, problem }
}

/// What is wrong with one rate by itself.
fn problem(key: ShareKey, shares: &Shares, told: &Told) -> Option<Problem> {
    let (rate, floor) = (key.of(shares), key.of(&told.lanes.floor()));
    let guaranteed = ShareKey { part: Part::Guaranteed, ..key }.of(shares);
    let link = in_direction(Capacity { up: told.link.up, down: told.link.down }, key.direction);
    if key.part == Part::Guaranteed && rate.bits() == 0 {
        Some(Problem::Nothing)
    } else if rate < floor {
        Some(Problem::UnderFloor(floor.to_string()))
    } else if key.part == Part::Guaranteed {
        None
    } else if rate < guaranteed {
        Some(Problem::UnderGuarantee(guaranteed.to_string()))
    } else {
        (rate > link).then(|| Problem::AboveLink(link.to_string()))
    }
}

/// The first direction whose guarantees the line cannot keep, at its worst where it varies.
fn sold_twice(shares: &Shares, told: &Told) -> Option<Mend> {
    let shaped = told.link.shaped();
    let carried = told
        .link
        .least
        .map_or(shaped, |least| Capacity { up: least.up.min(shaped.up), down: least.down.min(shaped.down) });
    [Direction::Up, Direction::Down].into_iter().find_map(|direction| {
        let guaranteed = |lane| ShareKey { lane, direction, part: Part::Guaranteed }.of(shares);
        let sum = Lane::ALL.map(guaranteed).into_iter().fold(Rate::default(), Rate::plus);
        let link = in_direction(carried, direction);
        let up = direction == Direction::Up;
        (sum > link).then(|| Mend::SoldTwice { up, sum: sum.to_string(), link: link.to_string() })
    })
}

const fn in_direction(capacity: Capacity, direction: Direction) -> Rate {
    match direction {
        Direction::Up => capacity.up,
        Direction::Down => capacity.down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_policy::Site;

    fn told() -> Told {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Told::of(&Site::load(&root.join("docker/site/site.toml")).unwrap())
    }

    /// The form of the shares that are in force, with some fields changed.
    fn sent(changes: &[(&str, &str)]) -> Sent {
        let shares = told().lanes.shares();
        let mut all: BTreeMap<String, String> =
            ShareKey::all().map(|key| (key.to_string(), key.of(&shares).to_string())).collect();
        all.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Sent(all)
    }

    fn problems(changes: &[(&str, &str)]) -> Vec<(String, Problem)> {
        let form = sent(changes).shares(&told().lanes.shares(), &told()).unwrap_err();
        for (name, typed) in changes {
            let field = form.fields.iter().find(|field| field.name == *name).unwrap();
            assert_eq!(field.value, *typed, "what was typed is kept");
        }
        form.fields.into_iter().filter_map(|f| Some((f.name, f.problem?))).collect()
    }

    #[test]
    fn good_rates_are_shares() {
        let before = told().lanes.shares();
        assert_eq!(sent(&[]).shares(&before, &told()).unwrap(), before);
        let shares = sent(&[("office.down.guaranteed", " 60mbit ")]).shares(&before, &told()).unwrap();
        assert_eq!(shares.down.office.guaranteed, "60mbit".parse().unwrap());
        assert_ne!(base(&shares), base(&before));
    }

    #[test]
    fn each_mistake_is_at_its_field() {
        for (name, value, problem) in [
            ("office.down.guaranteed", "sixty", Problem::NotARate),
            ("guest.up.ceiling", "", Problem::NotARate),
            ("guest.up.guaranteed", "0bit", Problem::Nothing),
            ("office.up.guaranteed", "39mbit", Problem::UnderFloor("40mbit".into())),
            ("critical.down.ceiling", "99mbit", Problem::UnderFloor("100mbit".into())),
            ("guest.down.ceiling", "500kbit", Problem::UnderGuarantee("1mbit".into())),
            ("guest.down.ceiling", "101mbit", Problem::AboveLink("100mbit".into())),
        ] {
            assert_eq!(problems(&[(name, value)]), [(name.to_owned(), problem)], "{name} {value}");
        }
        let two = [("guest.up.ceiling", "x"), ("office.up.guaranteed", "1mbit")];
        assert_eq!(problems(&two).len(), 2, "all at once");
    }

    #[test]
    fn guarantees_beyond_the_link_are_said_for_the_direction() {
        let form =
            sent(&[("guest.down.guaranteed", "2mbit")]).shares(&told().lanes.shares(), &told()).unwrap_err();
        let said = Mend::SoldTwice { up: false, sum: "86mbit".into(), link: "85mbit".into() };
        assert_eq!(form.mend, Some(said));
    }
}
