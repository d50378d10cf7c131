//! The last calls, counted as they come and go: nobody walks through them at every call.

use std::collections::VecDeque;

use super::Called;
use crate::time::{Span, Timestamp};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// What they came to and when they ended, oldest first.
    calls: VecDeque<(Timestamp, Called)>,
    /// Those of them that were not answered.
    unanswered: usize,
    /// Those of them that were slow or not answered.
    late: usize,
}

impl Window {
    /// One more call; what is beyond the last `most`, or older than `age`, is forgotten.
    pub(super) fn push(&mut self, called: Called, now: Timestamp, most: usize, age: Span) {
        self.calls.push_back((now, called));
        self.unanswered += usize::from(called == Called::Unanswered);
        self.late += usize::from(called != Called::Fast);
        while let Some((at, oldest)) = self.calls.front().copied()
            && (self.calls.len() > most || now.since(at) > age)
        {
            self.calls.pop_front();
            self.unanswered -= usize::from(oldest == Called::Unanswered);
            self.late -= usize::from(oldest != Called::Fast);
        }
    }

    /// All calls, those that were not answered, and those that were slow or not answered.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.calls.len(), self.unanswered, self.late)
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
        (self.unanswered, self.late) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_what_a_walk_would_find() {
        let all = [Called::Fast, Called::Slow, Called::Unanswered];
        let mut window = Window::default();
        for step in 0..2000_usize {
            // Gaps now and then, so that age forgets as well as number does.
            let now = Timestamp((step * 10 + step / 37 * 90) as u64);
            window.push(all[step * step % 7 % 3], now, 12, Span(100));
            let count = |wanted: fn(&Called) -> bool| {
                window.calls.iter().filter(|(_, called)| wanted(called)).count()
            };
            let late = count(|called| *called != Called::Fast);
            let unanswered = count(|called| *called == Called::Unanswered);
            assert_eq!(window.counts(), (window.calls.len(), unanswered, late), "step {step}");
            assert!((1..=12).contains(&window.calls.len()));
        }
        window.clear();
        assert_eq!(window, Window::default());
    }
}
