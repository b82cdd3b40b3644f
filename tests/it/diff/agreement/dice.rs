//! Choices that a seed decides, each by its name: to change one choice leaves all others as they are.

use serde_json::{Map, Value as Json};

/// Chooses by the place in an object. The same seed chooses the same; a later generation chooses anew here and there.
#[derive(Clone, Debug)]
pub struct Dice {
    /// What decides at first.
    base: u64,
    /// What decides where something is chosen anew, and where that is.
    generation: u64,
    /// Of a hundred choices, how many are made anew.
    churn: u64,
    place: u64,
}

/// Mixes two numbers into one (the finalizer of splitmix64).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self { base: seed, generation: 0, churn: 0, place: 0 }
    }

    /// The same, of which a generation chooses so many of a hundred things anew.
    pub fn anew(&self, generation: u64, churn: u64) -> Self {
        Self { generation, churn, ..self.clone() }
    }

    /// The dice of a place within this one.
    pub fn at(&self, label: &str) -> Self {
        Self { place: mix(self.place, hash(label)), ..self.clone() }
    }

    /// The same, of which no generation chooses anew: for what must not change.
    pub fn fixed(&self) -> Self {
        Self { churn: 0, ..self.clone() }
    }

    fn draw(&self, label: &str) -> u64 {
        let place = mix(self.place, hash(label));
        if self.churn > 0 && mix(mix(self.generation, place), 1) % 100 < self.churn {
            mix(mix(self.generation, place), 2)
        } else {
            mix(self.base, place)
        }
    }

    /// A number below a limit.
    pub fn below(&self, label: &str, limit: u64) -> u64 {
        draw_below(self.draw(label), limit)
    }

    /// True so many times of a hundred.
    pub fn chance(&self, label: &str, percent: u64) -> bool {
        self.below(label, 100) < percent
    }

    /// One of some.
    pub fn pick<T: Clone>(&self, label: &str, of: &[T]) -> T {
        let at = usize::try_from(self.below(label, of.len() as u64)).unwrap();
        of[at].clone()
    }

    /// At least `least` of some, mostly in their order.
    pub fn some<T: Clone>(&self, label: &str, of: &[T], least: usize, percent: u64) -> Vec<T> {
        let here = self.at(label);
        let mut chosen: Vec<(u64, T)> = Vec::new();
        for (at, item) in of.iter().enumerate() {
            let name = at.to_string();
            let missing = least.saturating_sub(chosen.len()) >= of.len() - at;
            if missing || here.chance(&name, percent) {
                let shuffled = here.chance("shuffled", 15);
                let order = if shuffled { here.at("order").draw(&name) } else { at as u64 };
                chosen.push((order, item.clone()));
            }
        }
        chosen.sort_by_key(|(order, _)| *order);
        chosen.into_iter().map(|(_, item)| item).collect()
    }
}

fn draw_below(draw: u64, limit: u64) -> u64 {
    draw % limit.max(1)
}

/// A map whose fields the dice choose.
pub struct Fields {
    dice: Dice,
    map: Map<String, Json>,
}

impl Fields {
    /// An empty map, whose fields are chosen by the dice of their names.
    pub fn new(dice: &Dice) -> Self {
        Self { dice: dice.clone(), map: Map::new() }
    }

    /// A field that is always there.
    pub fn always(mut self, key: &str, value: impl FnOnce(&Dice) -> Json) -> Self {
        self.map.insert(key.to_owned(), value(&self.dice.at(key)));
        self
    }

    /// A field that is there so many times of a hundred.
    pub fn maybe(self, key: &str, percent: u64, value: impl FnOnce(&Dice) -> Json) -> Self {
        if self.dice.at(key).chance("there", percent) { self.always(key, value) } else { self }
    }

    /// One of some texts, so many times of a hundred.
    pub fn text(self, key: &str, percent: u64, of: &[&str]) -> Self {
        self.maybe(key, percent, |d| d.pick("text", of).into())
    }

    /// One of some numbers, so many times of a hundred.
    pub fn number(self, key: &str, percent: u64, of: &[i64]) -> Self {
        self.maybe(key, percent, |d| d.pick("number", of).into())
    }

    /// `true` or `false`, so many times of a hundred.
    pub fn flag(self, key: &str, percent: u64) -> Self {
        self.maybe(key, percent, |d| d.chance("flag", 50).into())
    }

    /// A list of items that names tell apart.
    pub fn named(self, key: &str, percent: u64, names: &[&str], item: impl Fn(&Dice, &str) -> Json) -> Self {
        self.maybe(key, percent, |d| named(d, names, 0, &item))
    }

    /// The map.
    pub fn done(self) -> Json {
        self.map.into()
    }
}

/// A list of items that names tell apart, of which at least `least` are there.
pub fn named(d: &Dice, names: &[&str], least: usize, item: &dyn Fn(&Dice, &str) -> Json) -> Json {
    d.some("names", names, least, 55).into_iter().map(|name| item(&d.at(name), name)).collect()
}
