//! Walks a graph: what may begin now, what still waits, and what never can because something before it failed. Pure.

use super::graph::Graph;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    Failed,
    /// Never begun, because of this node.
    Blocked(usize),
}

/// A walk through a graph.
#[derive(Debug)]
pub(super) struct Schedule {
    graph: Graph,
    states: Vec<State>,
}

impl Schedule {
    /// Stands at the beginning.
    pub(super) fn new(graph: Graph) -> Self {
        let states = vec![State::Waiting; graph.after.len()];
        Schedule { graph, states }
    }

    /// Gives the objects that may begin now; they count as begun.
    pub(super) fn begin(&mut self) -> Vec<usize> {
        self.begin_some(|_| true)
    }

    /// Gives those of the wanted objects that may begin now; the others wait on.
    pub(super) fn begin_some(&mut self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut begun = Vec::new();
        let mut moved = true;
        while moved {
            moved = false;
            for node in 0..self.states.len() {
                if self.states[node] != State::Waiting {
                    continue;
                }
                let mut next = self.next(node);
                if next == State::Running && node < self.graph.len && !wanted(node) {
                    next = State::Waiting;
                }
                if next == State::Running && node < self.graph.len {
                    begun.push(node);
                }
                let next = if next == State::Running && node >= self.graph.len { State::Done } else { next };
                moved |= next != State::Waiting && next != State::Running;
                self.states[node] = next;
            }
        }
        begun
    }

    /// Says how an object ended.
    pub(super) fn end(&mut self, node: usize, well: bool) {
        self.states[node] = if well { State::Done } else { State::Failed };
    }

    /// Gives the objects that never began, each with the one that it waited for in vain.
    pub(super) fn blocked(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        self.states[..self.graph.len].iter().enumerate().filter_map(|(node, state)| match state {
            State::Blocked(by) => Some((node, Some(*by).filter(|by| *by < self.graph.len))),
            State::Waiting => Some((node, None)),
            _ => None,
        })
    }

    fn next(&self, node: usize) -> State {
        let lenient = self.graph.lenient.contains(&node);
        let mut next = State::Running;
        for before in &self.graph.after[node] {
            match self.states[*before] {
                State::Done => {}
                State::Failed | State::Blocked(_) if lenient => {}
                State::Failed => return State::Blocked(*before),
                State::Blocked(by) => return State::Blocked(by),
                State::Waiting | State::Running => next = State::Waiting,
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(after: &[&[usize]], len: usize, lenient: &[usize]) -> Graph {
        Graph { len, after: after.iter().map(|one| one.to_vec()).collect(), lenient: lenient.to_vec() }
    }

    #[test]
    fn what_waits_begins_when_all_before_it_is_done() {
        let mut walk = Schedule::new(graph(&[&[], &[0], &[0, 1]], 3, &[]));
        assert_eq!(walk.begin(), [0]);
        assert_eq!(walk.begin(), Vec::<usize>::new());
        walk.end(0, true);
        assert_eq!(walk.begin(), [1]);
        walk.end(1, true);
        assert_eq!(walk.begin(), [2]);
        assert_eq!(walk.blocked().count(), 1 - 1);
    }

    #[test]
    fn a_failure_blocks_what_needs_it_and_nothing_else() {
        let mut walk = Schedule::new(graph(&[&[], &[0], &[1], &[]], 4, &[]));
        assert_eq!(walk.begin(), [0, 3]);
        walk.end(0, false);
        walk.end(3, true);
        assert_eq!(walk.begin(), Vec::<usize>::new());
        assert_eq!(walk.blocked().collect::<Vec<_>>(), [(1, Some(0)), (2, Some(0))]);
    }

    #[test]
    fn a_lenient_gate_opens_after_failures_and_a_strict_one_does_not() {
        for (lenient, expected) in [(&[2][..], vec![1]), (&[][..], vec![])] {
            let mut walk = Schedule::new(graph(&[&[], &[2], &[0]], 2, lenient));
            assert_eq!(walk.begin(), [0]);
            walk.end(0, false);
            assert_eq!(walk.begin(), expected);
        }
    }
}
