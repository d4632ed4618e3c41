//! Fair scheduling: the owners take turns, so that ten thousand jobs of one owner delay the first
//! job of another only until a slot becomes free.
//!
//! A claim visits the owners with queued jobs in the order of their names, continuing after the
//! owner that was served last. Every store follows the order that is decided here, and only reads
//! rows: the cost of a claim depends on what it takes, not on what is queued. Each process has its
//! own rotation, which starts anew with the process.

use std::collections::HashMap;

use crate::Owner;

/// The state of a queue's rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    last: Option<Owner>,
}

impl Rotation {
    /// A claim of up to `limit` jobs.
    pub fn claim<T>(&self, limit: u32) -> FairClaim<T> {
        FairClaim {
            after: self.last.clone(),
            limit,
            taken: Vec::new(),
            rounds: 0,
            vain_rounds: 0,
            done: limit == 0,
        }
    }

    /// Records the last claim.
    pub fn claimed<T>(&mut self, claimed: &Claimed<T>) {
        if let Some(last) = &claimed.last {
            self.last = Some(last.clone());
        }
    }
}

/// The least number of owners to look up at once: some may have nothing to take.
const MIN_OWNERS: u32 = 16;
/// The most rounds that find owners but nothing to take: peers are taking their jobs, so continuing
/// is not worthwhile.
const MAX_EMPTY_ROUNDS: u32 = 4;

/// What a store must look up next: up to `owners` owners with queued jobs, by their names in bytes,
/// those after `after` first and then those up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The owner who had the last turn.
    pub after: Option<Owner>,
    /// The most owners.
    pub owners: u32,
    /// The jobs that are still wanted.
    limit: u32,
}

/// The owners whose oldest jobs to take, one owner after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turns {
    /// The owners in the order of their turns, and the most jobs to take of each.
    pub owners: Vec<(Owner, u32)>,
    /// The most jobs in total.
    pub limit: u32,
    share: u32,
    last: Option<Owner>,
    /// Whether there may be further owners.
    more_owners: bool,
}

/// A claim in progress.
#[derive(Debug)]
pub struct FairClaim<T> {
    after: Option<Owner>,
    limit: u32,
    taken: Vec<Taken<T>>,
    rounds: u32,
    vain_rounds: u32,
    done: bool,
}

#[derive(Debug)]
struct Taken<T> {
    /// The round, how many jobs the owner had got before in it, and the owner's position in it.
    turn: (u32, u32, usize),
    owner: Owner,
    item: T,
}

/// The result of a claim.
#[derive(Debug)]
pub struct Claimed<T> {
    /// The jobs, in the order of the turns.
    pub items: Vec<T>,
    last: Option<Owner>,
}

impl Round {
    /// The turns of these owners, who must include those that were requested.
    pub fn turns(&self, mut owners: Vec<Owner>) -> Turns {
        let had_its_turn = |owner: &Owner| self.after.as_ref().is_some_and(|after| owner <= after);
        owners.sort_by(|a, b| (had_its_turn(a), a).cmp(&(had_its_turn(b), b)));
        owners.truncate(usize::try_from(self.owners).unwrap_or(usize::MAX));
        let count = u32::try_from(owners.len()).unwrap_or(u32::MAX);
        let share = (self.limit / count.max(1)).max(1);
        Turns {
            share,
            limit: self.limit,
            more_owners: count >= self.owners,
            last: owners.last().cloned(),
            owners: owners.into_iter().map(|owner| (owner, share)).collect(),
        }
    }
}

impl Turns {
    /// The same with at most this many jobs of each owner, and without those who may have none.
    #[must_use]
    pub fn at_most(mut self, free: impl Fn(&Owner) -> u32) -> Self {
        for (owner, share) in &mut self.owners {
            *share = free(owner).min(*share);
        }
        self.owners.retain(|(_, share)| *share > 0);
        self
    }
}

impl<T> FairClaim<T> {
    /// What to look up next; `None` once there is enough, or nothing more.
    pub fn next_round(&self) -> Option<Round> {
        let limit = self.left();
        (!self.done).then(|| Round {
            after: self.after.clone(),
            owners: limit.max(MIN_OWNERS),
            limit,
        })
    }

    /// Records what was taken in these turns, the jobs of each owner in their order.
    pub fn took(&mut self, turns: &Turns, found: impl IntoIterator<Item = (Owner, T)>) {
        let places = turns.owners.iter().enumerate();
        let mut places: HashMap<&Owner, (usize, u32)> = places
            .map(|(place, (owner, _))| (owner, (place, 0)))
            .collect();
        let before = self.taken.len();
        for (owner, item) in found {
            let (place, count) = places.get(&owner).copied().unwrap_or_default();
            if let Some(of_owner) = places.get_mut(&owner) {
                of_owner.1 += 1;
            }
            let turn = (self.rounds, count, place);
            self.taken.push(Taken { turn, owner, item });
        }
        self.rounds += 1;
        self.vain_rounds += u32::from(self.taken.len() == before);
        if turns.last.is_some() {
            self.after.clone_from(&turns.last);
        }
        // An owner that had less than its share has no more.
        let more_jobs = places.values().any(|(_, count)| *count >= turns.share);
        self.done = self.left() == 0
            || self.vain_rounds >= MAX_EMPTY_ROUNDS
            || !(more_jobs || turns.more_owners);
    }

    /// All that was taken so far.
    pub fn items(&self) -> impl Iterator<Item = &T> {
        self.taken.iter().map(|taken| &taken.item)
    }

    /// The jobs in the order of the turns.
    pub fn finish(mut self) -> Claimed<T> {
        self.taken.sort_by_key(|taken| taken.turn);
        let last = self.taken.last().map(|taken| taken.owner.clone());
        Claimed {
            items: self.taken.into_iter().map(|taken| taken.item).collect(),
            // Owners without a job to take had their turn, too.
            last: last.or(self.after),
        }
    }

    fn left(&self) -> u32 {
        let taken = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        self.limit.saturating_sub(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Queue = BTreeMap<&'static str, Vec<u32>>;

    /// Takes a claim from the queue, like a store.
    fn claim(rotation: &mut Rotation, queue: &mut Queue, limit: u32) -> (Vec<String>, u32) {
        let mut claim = rotation.claim(limit);
        let mut rounds = 0;
        while let Some(round) = claim.next_round() {
            rounds += 1;
            let owners = queue.iter().filter(|(_, jobs)| !jobs.is_empty());
            let turns = round.turns(owners.map(|(owner, _)| Owner::new(*owner)).collect());
            let mut found = Vec::new();
            for (owner, share) in &turns.owners {
                let jobs = queue.get_mut(owner.as_str()).unwrap();
                let most = (*share as usize).min(turns.limit as usize - found.len());
                let some = jobs.drain(..most.min(jobs.len()));
                found.extend(some.map(|job| (owner.clone(), format!("{}{job}", owner.as_str()))));
            }
            claim.took(&turns, found);
        }
        let claimed = claim.finish();
        rotation.claimed(&claimed);
        (claimed.items, rounds)
    }

    fn queue(jobs: &[(&'static str, u32)]) -> Queue {
        let queued = jobs
            .iter()
            .map(|(owner, jobs)| (*owner, (1..=*jobs).collect()));
        queued.collect()
    }

    fn claimed(rotation: &mut Rotation, queue: &mut Queue, limit: u32) -> String {
        claim(rotation, queue, limit).0.join(" ")
    }

    #[test]
    fn one_owner_has_its_jobs_in_their_order() {
        let (mut rotation, mut queue) = (Rotation::default(), queue(&[("a", 9)]));
        assert_eq!(claimed(&mut rotation, &mut queue, 4), "a1 a2 a3 a4");
        assert_eq!(claimed(&mut rotation, &mut queue, 1), "a5");
        assert_eq!(claimed(&mut rotation, &mut queue, 9), "a6 a7 a8 a9");
        assert_eq!(claimed(&mut rotation, &mut queue, 9), "");
        assert_eq!(claimed(&mut rotation, &mut queue, 0), "");
    }

    #[test]
    fn the_turns_go_on_from_claim_to_claim() {
        let (mut rotation, mut queue) = (Rotation::default(), queue(&[("a", 9), ("c", 2)]));
        assert_eq!(claimed(&mut rotation, &mut queue, 1), "a1");
        queue.insert("b", vec![1]);
        assert_eq!(claimed(&mut rotation, &mut queue, 1), "b1");
        assert_eq!(claimed(&mut rotation, &mut queue, 1), "c1");
        assert_eq!(claimed(&mut rotation, &mut queue, 1), "a2");
        queue.insert("0", vec![1]);
        assert_eq!(claimed(&mut rotation, &mut queue, 3), "c2 01 a3");
        assert_eq!(claimed(&mut rotation, &mut queue, 2), "a4 a5");
    }

    #[test]
    fn what_an_owner_does_not_use_goes_to_the_others_in_turn() {
        let mut rotation = Rotation::default();
        let mut queue = queue(&[("a", 9), ("b", 1), ("c", 3)]);
        let all = "a1 b1 c1 a2 c2 a3 c3 a4 a5 a6";
        assert_eq!(claimed(&mut rotation, &mut queue, 10), all);
    }

    #[test]
    fn more_owners_than_places_are_served_in_as_many_claims_as_it_takes() {
        let mut rotation = Rotation::default();
        let mut queue = queue(&[("a", 5), ("b", 5), ("c", 5), ("d", 5), ("e", 5)]);
        assert_eq!(claimed(&mut rotation, &mut queue, 2), "a1 b1");
        assert_eq!(claimed(&mut rotation, &mut queue, 2), "c1 d1");
        assert_eq!(claimed(&mut rotation, &mut queue, 2), "e1 a2");
        assert_eq!(claimed(&mut rotation, &mut queue, 6), "b2 c2 d2 e2 a3 b3");
    }

    #[test]
    fn rounds_are_few() {
        let rounds = |jobs: &[(&'static str, u32)], limit| {
            let mut queue = queue(jobs);
            claim(&mut Rotation::default(), &mut queue, limit).1
        };
        assert_eq!(rounds(&[("a", 1)], 8), 1, "nothing else to ask for");
        assert_eq!(rounds(&[("a", 10_000)], 64), 1);
        assert_eq!(rounds(&[("a", 10_000), ("b", 10_000)], 64), 1);
        assert_eq!(rounds(&[("a", 9), ("b", 9), ("c", 9)], 8), 2);
        assert_eq!(rounds(&[("a", 10_000), ("b", 1)], 64), 2);
    }

    #[test]
    fn owners_whose_jobs_peers_are_taking_are_passed_over_and_end_the_claim_when_they_are_all() {
        let mut claim = Rotation::default().claim::<u32>(1);
        let names = |from: u32| (from..from + 16).map(|n| Owner::new(format!("{n:03}")));
        for round in 0..MAX_EMPTY_ROUNDS {
            let asked = claim.next_round().expect("there are more owners");
            let turns = asked.turns(names(round * 16).collect());
            claim.took(&turns, []);
        }
        assert_eq!(claim.next_round(), None);
        let mut rotation = Rotation::default();
        rotation.claimed(&claim.finish());
        assert_eq!(
            rotation.last,
            Some(Owner::new("063")),
            "the next claim goes on"
        );

        let mut claim = rotation.claim(2);
        let turns = claim.next_round().unwrap().turns(vec![Owner::new("100")]);
        claim.took(&turns, [(Owner::new("100"), 1)]);
        assert_eq!(claim.next_round(), None, "nobody else is there");
    }

    #[test]
    fn who_may_run_no_more_has_no_turn_and_leaves_it_to_others() {
        let mut claim = Rotation::default().claim::<u32>(6);
        let names = || ["a", "b", "c"].map(Owner::new).to_vec();
        let free = |owner: &Owner| match owner.as_str() {
            "a" => 1,
            "b" => 0,
            _ => u32::MAX,
        };
        let turns = claim.next_round().unwrap().turns(names()).at_most(free);
        let of = |owner: &str, share| (Owner::new(owner), share);
        assert_eq!(turns.owners, [of("a", 1), of("c", 2)]);
        claim.took(
            &turns,
            [("a", 1), ("c", 2), ("c", 3)].map(|(o, n)| (Owner::new(o), n)),
        );
        let turns = claim.next_round().unwrap().turns(names());
        let turns = turns.at_most(|owner| if owner.as_str() == "c" { 9 } else { 0 });
        assert_eq!(turns.owners, [of("c", 1)]);
        claim.took(&turns, [(Owner::new("c"), 4)]);
        let turns = claim.next_round().unwrap().turns(names()).at_most(|_| 0);
        claim.took(&turns, []);
        assert_eq!(claim.next_round(), None, "all have as many as they may");
        assert_eq!(claim.finish().items, [1, 2, 3, 4]);
    }
}
