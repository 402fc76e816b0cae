//! Which upstream a session goes to: the better of two at random.
//!
//! "Power of two choices" needs no shared cursor and no scan. Two candidates drawn at random and the less loaded
//! of them taken keeps the fullest upstream within `O(log log n)` sessions of the mean, where one random draw
//! gives `O(log n / log log n)` (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
//! Unlike a strict least-connections rule it does not send every new session to the same, momentarily emptiest
//! upstream.

use fastrand::Rng;

/// How many upstreams one session tries at most.
pub(crate) const TRIES_MAX: usize = 3;

/// The upstreams that a session has tried so far, in ascending order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tried {
    indices: [usize; TRIES_MAX],
    count: usize,
}

impl Tried {
    /// Adds an upstream that [`choose`] returned.
    ///
    /// # Panics
    ///
    /// If the session has made all its tries already.
    pub(crate) fn add(&mut self, index: usize) {
        assert!(
            !self.are_enough(),
            "a session makes at most {TRIES_MAX} tries"
        );
        self.indices[self.count] = index;
        self.count += 1;
        self.indices[..self.count].sort_unstable();
    }

    /// Returns how many upstreams were tried.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Tells whether the session has made all its tries.
    pub(crate) fn are_enough(&self) -> bool {
        self.count == TRIES_MAX
    }

    /// Tells whether an upstream was tried.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.indices[..self.count].contains(&index)
    }

    /// Maps the `nth` of the untried upstreams to its index among all.
    fn nth_untried(&self, nth: usize) -> usize {
        self.indices[..self.count]
            .iter()
            .fold(nth, |index, &tried| index + usize::from(tried <= index))
    }
}

/// Chooses the less loaded of two upstreams drawn at random among those not yet tried.
///
/// `load` gives the load of each of the `count` upstreams. Returns nothing when the session has tried every
/// upstream, or as many as it may.
pub(crate) fn choose(
    count: usize,
    load: impl Fn(usize) -> usize,
    tried: &Tried,
    rng: &mut Rng,
) -> Option<usize> {
    let untried = count.saturating_sub(tried.count);
    if untried == 0 || tried.are_enough() {
        return None;
    }
    let first = rng.usize(..untried);
    if untried == 1 {
        return Some(tried.nth_untried(first));
    }
    // The second draw is among the others, so that the two always differ.
    let second = (first + rng.usize(1..untried)) % untried;
    let (first, second) = (tried.nth_untried(first), tried.nth_untried(second));
    Some(if load(second) < load(first) {
        second
    } else {
        first
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(indices: &[usize]) -> Tried {
        let mut tried = Tried::default();
        indices.iter().for_each(|&index| tried.add(index));
        tried
    }

    #[test]
    fn an_upstream_is_never_chosen_twice() {
        for seed in 0..1000 {
            let mut rng = Rng::with_seed(seed);
            let mut seen = Tried::default();
            let mut order = Vec::new();
            while let Some(index) = choose(5, |_| 0, &seen, &mut rng) {
                seen.add(index);
                order.push(index);
            }
            let mut distinct = order.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(
                (order.len(), distinct.len()),
                (TRIES_MAX, TRIES_MAX),
                "seed {seed}: {order:?}"
            );
            assert!(
                order.iter().all(|&index| index < 5),
                "seed {seed}: {order:?}"
            );
        }
    }

    #[test]
    fn of_two_the_less_loaded_one_is_taken() {
        for seed in 0..100 {
            let loads = [7, 3];
            assert_eq!(
                choose(
                    2,
                    |index| loads[index],
                    &tried(&[]),
                    &mut Rng::with_seed(seed)
                ),
                Some(1)
            );
        }
    }

    #[test]
    fn the_only_one_left_is_taken_whatever_its_load() {
        for seed in 0..100 {
            assert_eq!(
                choose(3, |_| 9, &tried(&[2, 0]), &mut Rng::with_seed(seed)),
                Some(1)
            );
        }
    }

    #[test]
    fn nothing_is_left_when_all_were_tried() {
        assert_eq!(
            choose(2, |_| 0, &tried(&[0, 1]), &mut Rng::with_seed(1)),
            None
        );
        assert_eq!(choose(0, |_| 0, &tried(&[]), &mut Rng::with_seed(1)), None);
    }

    /// Balls into bins: with two choices the fullest of 10 bins stays close to the mean of 1,000 balls each.
    #[test]
    fn sessions_spread_evenly() {
        for seed in 0..20 {
            let mut rng = Rng::with_seed(seed);
            let mut loads = [0_usize; 10];
            for _ in 0..10_000 {
                let index =
                    choose(10, |index| loads[index], &tried(&[]), &mut rng).expect("there are ten");
                loads[index] += 1;
            }
            let fullest = loads.iter().max().expect("there are ten");
            assert!(*fullest <= 1010, "seed {seed}: {loads:?}");
        }
    }

    #[test]
    fn equal_upstreams_are_chosen_equally_often() {
        let mut rng = Rng::with_seed(7);
        let mut hits = [0_usize; 4];
        for _ in 0..40_000 {
            hits[choose(4, |_| 0, &tried(&[]), &mut rng).expect("there are four")] += 1;
        }
        assert!(
            hits.iter().all(|hits| (9_500..10_500).contains(hits)),
            "{hits:?}"
        );
    }
}
