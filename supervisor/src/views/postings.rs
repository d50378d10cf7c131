//! Postings in memory: sorted runs, each more than twice as long as the next. What came lately is sorted
//! in one go and joined with the runs that are not much longer. So a posting is moved a few times, and
//! looked up in a few places; a tree would look for its place whenever one comes.

use super::keys::Posting;

/// See the module.
#[derive(Default)]
pub(super) struct Postings {
    /// The longest first.
    runs: Vec<Vec<Posting>>,
    /// What came since these were made, in no order.
    fresh: Vec<Posting>,
}

impl Postings {
    pub(super) fn push(&mut self, posting: Posting) {
        self.fresh.push(posting);
    }

    /// Sorts what came lately in with the rest. Until then it is found as well, but slower.
    pub(super) fn sort(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut run = std::mem::take(&mut self.fresh);
        run.sort_unstable_by_key(ordered);
        run.dedup();
        while let Some(mut longer) = self.runs.pop_if(|longer| longer.len() <= 2 * run.len()) {
            join(&mut longer, &run);
            longer.dedup();
            run = longer;
        }
        self.runs.push(run);
    }

    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum::<usize>() + self.fresh.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.fresh.is_empty()
    }

    /// The postings from `from` up to and including `to`: at least the first `limit` of them, in no
    /// order.
    pub(super) fn first(
        &self,
        from: Posting,
        to: Posting,
        limit: usize,
    ) -> impl Iterator<Item = Posting> + '_ {
        let sorted = self.runs.iter().flat_map(move |run| {
            let begun = &run[run.partition_point(|posting| *posting < from)..];
            begun.iter().take_while(move |posting| **posting <= to).take(limit)
        });
        let fresh = self.fresh.iter().filter(move |posting| (from..=to).contains(posting));
        sorted.chain(fresh).copied()
    }

    /// All postings, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = Posting> + '_ {
        self.runs.iter().flatten().chain(&self.fresh).copied()
    }
}

/// A posting as numbers of the same order: they are compared without a call.
pub(super) fn ordered(posting: &Posting) -> (u128, u32) {
    let [front @ .., a, b, c] = posting;
    (u128::from_be_bytes(*front), u32::from_be_bytes([0, *a, *b, *c]))
}

/// Joins a sorted run into another one, from behind, so that it takes no room beside it.
fn join(longer: &mut Vec<Posting>, run: &[Posting]) {
    let (mut old, mut new) = (longer.len(), run.len());
    longer.extend_from_slice(run);
    // What is left of the old ones when no new one is, stands where it belongs.
    while new > 0 {
        let place = old + new - 1;
        if old > 0 && ordered(&longer[old - 1]) > ordered(&run[new - 1]) {
            old -= 1;
            longer[place] = longer[old];
        } else {
            new -= 1;
            longer[place] = run[new];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use surehold_storage::faulty::Dice;

    use super::super::keys::POSTING_LENGTH;
    use super::*;

    fn posting(number: u64) -> Posting {
        let mut posting = [0; POSTING_LENGTH];
        posting[11..].copy_from_slice(&number.to_be_bytes());
        posting
    }

    #[test]
    fn they_are_a_sorted_set_however_they_came() {
        let mut dice = Dice::new(3);
        let (mut postings, mut model) = (Postings::default(), BTreeSet::new());
        for round in 0..600 {
            for _ in 0..dice.below(40) {
                let one = posting(dice.below(5000));
                postings.push(one);
                model.insert(one);
            }
            if dice.below(3) > 0 {
                postings.sort();
            }
            assert!(postings.runs.is_sorted_by(|long, short| long.len() > 2 * short.len()));
            let (from, to) = (posting(dice.below(5000)), posting(dice.below(6000)));
            let limit = usize::try_from(dice.below(60)).unwrap();
            let found: BTreeSet<Posting> = postings.first(from, to, limit).collect();
            let found: Vec<Posting> = found.into_iter().take(limit).collect();
            let wanted = model.iter().filter(|one| (from..=to).contains(one)).take(limit);
            assert!(found.iter().eq(wanted), "round {round}");
        }
        assert_eq!(postings.all().collect::<BTreeSet<_>>(), model);
        assert!(!postings.is_empty() && postings.len() >= model.len());
    }
}
