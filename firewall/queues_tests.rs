use super::{minor::FIRST_OF_RATED, *};
use proptest::prelude::*;
use varco_policy::Slot;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn shares(office: &str) -> Lanes {
    let share = |guaranteed| Share { guaranteed: rate(guaranteed), ceiling: rate("100mbit") };
    Lanes { critical: share("10mbit"), office: share(office), guest: share("1mbit") }
}

fn wanted_with(office: &str, leaf: Leaf) -> Wanted {
    let mut classes = classes(&shares(office), rate("100mbit"));
    let rated = Rated::from([(Minor(0x3105), rate("2mbit"))]);
    classes.extend(classes_of_passes(shares(office).guest, 2, None, &rated));
    Wanted { wan: "eth0".parse().unwrap(), up: classes.clone(), down: classes, leaf, short: [12, 15] }
}

fn two_hooks() -> Actual {
    let hooks = ["br-guest", "br-office"].map(|n| (n.parse().unwrap(), Hook::default()));
    Actual { hooks: hooks.into(), ..Actual::default() }
}

fn tree<'a>(actual: &'a mut Actual, dev: &str) -> &'a mut Tree {
    if dev == IFB { &mut actual.down } else { &mut actual.up }
}

/// What the kernel makes of a step.
fn carry_out(step: &Step, actual: &mut Actual) {
    match step {
        Step::AddIfb => (actual.ifb, actual.down) = (true, Tree::default()),
        Step::SetRoot(dev) => *tree(actual, dev) = Tree { rooted: true, ..Tree::default() },
        Step::AddClass(dev, minor, class) => {
            assert!(tree(actual, dev).classes.insert(*minor, *class).is_none(), "{step}");
        }
        Step::ChangeClass(dev, minor, class) => {
            assert!(tree(actual, dev).classes.insert(*minor, *class).is_some(), "{step}");
        }
        Step::DeleteClass(dev, minor) => {
            assert!(tree(actual, dev).classes.remove(minor).is_some(), "{step}");
            tree(actual, dev).leaves.remove(minor);
        }
        Step::SetLeaf(dev, minor, leaf, _) => {
            assert!(tree(actual, dev).classes.contains_key(minor), "{step}");
            let limit = if let Leaf::Pfifo(packets) = leaf { Some(*packets) } else { None };
            tree(actual, dev).leaves.insert(*minor, Queue { kind: leaf.word().to_owned(), limit });
        }
        Step::AddHook(dev) => {
            assert!(!std::mem::replace(&mut actual.hooks.get_mut(dev).unwrap().clsact, true))
        }
        Step::DeleteFilter(dev) => {
            assert!(std::mem::replace(&mut actual.hooks.get_mut(dev).unwrap().filter, false));
        }
        Step::Redirect(dev) => {
            let ready = actual.ifb && actual.down.rooted;
            let hook = actual.hooks.get_mut(dev).unwrap();
            assert!(ready && hook.clsact && !hook.filter, "{step}");
            (hook.filter, hook.redirects) = (true, true);
        }
    }
}

fn told(wanted: &Wanted, actual: &Actual) -> String {
    plan(wanted, actual).iter().map(|step| format!("{step}\n")).collect()
}

#[test]
fn transcript_of_a_first_start() {
    insta::assert_snapshot!(told(&wanted_with("80mbit", Leaf::Pfifo(1_000)), &two_hooks()), @r#"
    link add ifb-varco txqueuelen 1000 type ifb
    qdisc replace dev eth0 root handle 1: htb default 20 direct_qlen 1000
    class add dev eth0 parent 1: classid 1:1 htb rate 100000000bit ceil 100000000bit burst 12500b cburst 12500b quantum 25000
    class add dev eth0 parent 1:1 classid 1:10 htb prio 0 rate 10000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    qdisc replace dev eth0 parent 1:10 handle 10: pfifo limit 1000
    class add dev eth0 parent 1:1 classid 1:20 htb prio 1 rate 80000000bit ceil 100000000bit burst 10000b cburst 12500b quantum 25000
    qdisc replace dev eth0 parent 1:20 handle 20: pfifo limit 1000
    class add dev eth0 parent 1:1 classid 1:30 htb rate 1000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    class add dev eth0 parent 1:30 classid 1:31 htb prio 7 rate 500000bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev eth0 parent 1:31 handle 31: pfifo limit 1000
    class add dev eth0 parent 1:30 classid 1:100 htb prio 7 rate 500000bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev eth0 parent 1:100 handle 100: pfifo limit 12
    class add dev eth0 parent 1:30 classid 1:101 htb prio 7 rate 500000bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev eth0 parent 1:101 handle 101: pfifo limit 12
    class add dev eth0 parent 1:30 classid 1:3105 htb prio 7 rate 500000bit ceil 2000000bit burst 3200b cburst 3200b quantum 65536
    qdisc replace dev eth0 parent 1:3105 handle 3105: pfifo limit 12
    qdisc replace dev ifb-varco root handle 1: htb default 20 direct_qlen 1000
    class add dev ifb-varco parent 1: classid 1:1 htb rate 100000000bit ceil 100000000bit burst 12500b cburst 12500b quantum 25000
    class add dev ifb-varco parent 1:1 classid 1:10 htb prio 0 rate 10000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    qdisc replace dev ifb-varco parent 1:10 handle 10: pfifo limit 1000
    class add dev ifb-varco parent 1:1 classid 1:20 htb prio 1 rate 80000000bit ceil 100000000bit burst 10000b cburst 12500b quantum 25000
    qdisc replace dev ifb-varco parent 1:20 handle 20: pfifo limit 1000
    class add dev ifb-varco parent 1:1 classid 1:30 htb rate 1000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    class add dev ifb-varco parent 1:30 classid 1:31 htb prio 7 rate 500000bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev ifb-varco parent 1:31 handle 31: pfifo limit 1000
    class add dev ifb-varco parent 1:30 classid 1:100 htb prio 7 rate 500000bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev ifb-varco parent 1:100 handle 100: pfifo limit 15
    class add dev ifb-varco parent 1:30 classid 1:101 htb prio 7 rate 500000bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev ifb-varco parent 1:101 handle 101: pfifo limit 15
    class add dev ifb-varco parent 1:30 classid 1:3105 htb prio 7 rate 500000bit ceil 2000000bit burst 3200b cburst 3200b quantum 65536
    qdisc replace dev ifb-varco parent 1:3105 handle 3105: pfifo limit 15
    qdisc add dev br-guest clsact
    filter add dev br-guest egress protocol all pref 7700 u32 match u32 0 0 action mirred egress redirect dev ifb-varco
    qdisc add dev br-office clsact
    filter add dev br-office egress protocol all pref 7700 u32 match u32 0 0 action mirred egress redirect dev ifb-varco
    "#);
}

#[test]
fn a_changed_share_changes_its_class_and_nothing_else() {
    let mut actual = two_hooks();
    plan(&wanted_with("80mbit", Leaf::Cake), &actual).iter().for_each(|s| carry_out(s, &mut actual));
    insta::assert_snapshot!(told(&wanted_with("80mbit", Leaf::Cake), &actual), @"");
    insta::assert_snapshot!(told(&wanted_with("60mbit", Leaf::Cake), &actual), @r#"
    class change dev eth0 parent 1:1 classid 1:20 htb prio 1 rate 60000000bit ceil 100000000bit burst 7500b cburst 12500b quantum 25000
    class change dev ifb-varco parent 1:1 classid 1:20 htb prio 1 rate 60000000bit ceil 100000000bit burst 7500b cburst 12500b quantum 25000
    "#);
}

#[test]
fn leaves_of_every_kind_as_text() {
    let lines = |leaf| {
        [Direction::Up, Direction::Down]
            .map(|d| Step::SetLeaf("eth0".into(), Minor(0x30), leaf, d).to_string())
    };
    insta::assert_debug_snapshot!(Leaf::ALL.map(lines), @r#"
    [
        [
            "qdisc replace dev eth0 parent 1:30 handle 30: cake unlimited besteffort dual-srchost nat",
            "qdisc replace dev eth0 parent 1:30 handle 30: cake unlimited besteffort dual-dsthost",
        ],
        [
            "qdisc replace dev eth0 parent 1:30 handle 30: fq_codel",
            "qdisc replace dev eth0 parent 1:30 handle 30: fq_codel",
        ],
        [
            "qdisc replace dev eth0 parent 1:30 handle 30: pfifo limit 1000",
            "qdisc replace dev eth0 parent 1:30 handle 30: pfifo limit 1000",
        ],
    ]
    "#);
}

#[test]
fn burst_and_quantum_follow_the_rate() {
    let of = |text| (burst(rate(text)), quantum(rate(text)));
    assert_eq!(of("1mbit"), (3_200, 1_600));
    assert_eq!(of("100mbit"), (12_500, 25_000));
    assert_eq!(of("1gbit"), (125_000, 200_000));
    assert_eq!(of("5gbit"), (2_500_000, 200_000));
    assert_eq!(of("20gbit"), (10_000_000, 200_000));
}

#[test]
fn a_passs_queue_is_short_and_follows_the_line() {
    let of = |text| short(rate(text));
    assert_eq!([of("1mbit"), of("97mbit"), of("100mbit")], [12, 12, 12]);
    assert_eq!([of("1gbit"), of("5gbit"), of("20gbit")], [123, 619, 1_000]);
    let seen = |limit| Queue { kind: "pfifo".into(), limit };
    assert!(Leaf::Pfifo(12).is(&seen(Some(12))));
    assert!(!Leaf::Pfifo(12).is(&seen(Some(1_000))), "as an older version made them");
    assert!(!Leaf::FqCodel.is(&seen(None)));
}

#[test]
fn a_slot_has_a_class_of_its_own_and_many_slots_share() {
    let mut site = Site::load(std::path::Path::new("../docker/site/site.toml")).unwrap();
    let slot = |address: &str, first_port| Slot {
        address: address.parse().unwrap(),
        first_port,
        last_port: first_port + 511,
    };
    let all = |site: &Site| -> BTreeSet<Minor> {
        let blocks = (1024..=65_024).step_by(512).map(|port| slot("198.18.0.3", port));
        blocks.map(|slot| Minor::of_slot(site, slot)).collect()
    };
    assert_eq!((all(&site).len(), classes_of_slots(&site)), (126, 126));
    site.slots.addresses = (3..103).map(|n| std::net::Ipv4Addr::new(198, 18, 0, n)).collect();
    assert_eq!((all(&site).len(), classes_of_slots(&site)), (126, MOST_CLASSES));
    let last = slot("198.18.0.102", 65_024);
    assert_eq!(Minor::of_slot(&site, last), Minor(0x100 + 12_599 - MOST_CLASSES));
    assert!(Minor::of_slot(&site, slot("198.18.0.52", 1_024)).comes_with_its_pass());
    let passes = wanted(&site, &site.shares(), site.link.shaped(), &Rated::new(), Leaf::Pfifo(1_000)).up;
    assert_eq!(passes.len(), 5 + usize::from(AHEAD));
    assert!(!passes.keys().any(|minor| minor.comes_with_its_pass()));
    assert_eq!(Minor::of_rated(&site, last), Minor(FIRST_OF_RATED + 12_599));
}

#[test]
fn a_class_that_comes_with_its_pass_is_made_when_it_is_needed_and_stays() {
    let mut site = Site::load(std::path::Path::new("../docker/site/site.toml")).unwrap();
    site.slots.addresses = (3..103).map(|n| std::net::Ipv4Addr::new(198, 18, 0, n)).collect();
    let (shares, late) = (site.shares(), Rated::from([(Minor(0x1234), rate_of_passes(&site))]));
    let steps = coming(&site, &shares, &late, Leaf::FqCodel);
    let told: String = steps.iter().map(|step| format!("{step}\n")).collect();
    insta::assert_snapshot!(told, @r"
    class add dev eth0 parent 1:30 classid 1:1234 htb prio 7 rate 200bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev eth0 parent 1:1234 handle 1234: fq_codel
    class add dev ifb-varco parent 1:30 classid 1:1234 htb prio 7 rate 200bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    qdisc replace dev ifb-varco parent 1:1234 handle 1234: fq_codel
    ");
    let mut actual = two_hooks();
    let none = wanted(&site, &shares, site.link.shaped(), &Rated::new(), Leaf::FqCodel);
    plan(&none, &actual).iter().chain(&steps).for_each(|s| carry_out(s, &mut actual));
    assert!(plan(&none, &actual).is_empty(), "nobody needs it, and it may stay");
    assert!(
        plan(&wanted(&site, &shares, site.link.shaped(), &late, Leaf::FqCodel), &actual).is_empty(),
        "as it should be"
    );
}

#[test]
fn rates_are_compared_as_tc_shows_them() {
    assert_eq!(as_shown(rate("100mbit")), rate("100mbit"));
    assert_eq!(as_shown(Rate::from_bits(123_456_789)), Rate::from_bits(123_456_000));
    assert_eq!(as_shown(Rate::from_bits(1_003)), Rate::from_bits(1_000));
}

fn some_tree() -> impl Strategy<Value = Tree> {
    let minors = prop::sample::select(vec![
        Minor(1),
        Minor(0x10),
        Minor(0x20),
        Minor(0x30),
        Minor(0x31),
        Minor(0x101),
        Minor(0x99),
    ]);
    let class = (1u64..4, prop::option::of(0u8..8)).prop_map(|(mbit, prio)| Class {
        rate: Rate::from_bits(mbit * 1_000_000),
        ceil: rate("100mbit"),
        prio,
        turn: None,
    });
    let kinds = prop::sample::select(vec!["pfifo", "cake", "sfq"]);
    let limits = prop::sample::select(vec![None, Some(12), Some(1_000)]);
    let leaf = (kinds, limits).prop_map(|(kind, limit)| Queue { kind: kind.to_owned(), limit });
    let parts = (any::<bool>(), prop::collection::btree_map(minors, (class, prop::option::of(leaf)), 0..5));
    parts.prop_map(|(rooted, classes)| {
        let leaves = classes.iter().filter_map(|(m, (_, leaf))| leaf.clone().map(|l| (*m, l))).collect();
        let classes = classes.into_iter().map(|(m, (class, _))| (m, class)).collect();
        Tree { rooted, classes, leaves }
    })
}

fn some_hook() -> impl Strategy<Value = Hook> {
    let states = [(false, false, false), (true, false, false), (true, true, false), (true, true, true)];
    prop::sample::select(states.to_vec()).prop_map(|(clsact, filter, redirects)| Hook {
        clsact,
        filter,
        redirects,
    })
}

proptest! {
    #[test]
    fn carrying_out_a_plan_gives_what_is_wanted(
        up in some_tree(), down in some_tree(), ifb in any::<bool>(), hook in some_hook(),
    ) {
        let hooks = BTreeMap::from([("br-guest".parse().unwrap(), hook)]);
        let mut actual = Actual { ifb, up, down, hooks };
        let wanted = wanted_with("80mbit", Leaf::Pfifo(1_000));
        plan(&wanted, &actual).iter().for_each(|step| carry_out(step, &mut actual));
        prop_assert!(plan(&wanted, &actual).is_empty());
        prop_assert!(actual.up.classes.keys().eq(wanted.up.keys()));
        prop_assert!(actual.down.rooted && actual.hooks.values().all(|h| h.redirects));
    }
}
