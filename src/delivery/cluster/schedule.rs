//! Walks a graph: what may begin now, what still waits, and what never can because something before it failed. Pure.

use std::collections::BTreeSet;

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

/// A walk through a graph. Each edge is looked at once, however many objects there are.
#[derive(Debug)]
pub(super) struct Schedule {
    len: usize,
    /// Node → nodes that wait for it.
    waiting: Vec<Vec<usize>>,
    /// Gates that open once everything before them has ended, well or not.
    lenient: Vec<usize>,
    /// Node → how many nodes it still waits for.
    left: Vec<usize>,
    states: Vec<State>,
    /// Nodes that wait for nothing any more and have not begun.
    free: BTreeSet<usize>,
}

impl Schedule {
    /// Stands at the beginning.
    pub(super) fn new(graph: &Graph) -> Self {
        let left: Vec<usize> = graph.after.iter().map(Vec::len).collect();
        Schedule {
            len: graph.len,
            waiting: graph.reversed().after,
            lenient: graph.lenient.clone(),
            states: vec![State::Waiting; left.len()],
            free: (0..left.len()).filter(|node| left[*node] == 0).collect(),
            left,
        }
    }

    /// Gives the objects that may begin now; they count as begun.
    pub(super) fn begin(&mut self) -> Vec<usize> {
        self.begin_some(|_| true)
    }

    /// Gives those of the wanted objects that may begin now; the others wait on.
    pub(super) fn begin_some(&mut self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        while let Some(gate) = self.free.last().copied().filter(|node| *node >= self.len) {
            self.free.remove(&gate);
            self.end(gate, true);
        }
        let begun: Vec<usize> = self.free.iter().copied().filter(|node| wanted(*node)).collect();
        for node in &begun {
            self.free.remove(node);
            self.states[*node] = State::Running;
        }
        begun
    }

    /// Says how an object ended.
    pub(super) fn end(&mut self, node: usize, well: bool) {
        self.states[node] = if well { State::Done } else { State::Failed };
        let mut ended = vec![node];
        while let Some(node) = ended.pop() {
            for next in std::mem::take(&mut self.waiting[node]) {
                let by = match self.states[node] {
                    State::Failed => Some(node),
                    State::Blocked(by) => Some(by),
                    _ => None,
                };
                match by.filter(|_| !self.lenient.contains(&next)) {
                    Some(by) if self.states[next] == State::Waiting => {
                        self.states[next] = State::Blocked(by);
                        ended.push(next);
                    }
                    Some(_) => {}
                    None => self.count_down(next),
                }
            }
        }
    }

    fn count_down(&mut self, node: usize) {
        self.left[node] -= 1;
        if self.left[node] == 0 && self.states[node] == State::Waiting {
            self.free.insert(node);
        }
    }

    /// Gives the objects that never began, each with the one that it waited for in vain.
    pub(super) fn blocked(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        self.states[..self.len].iter().enumerate().filter_map(|(node, state)| match state {
            State::Blocked(by) => Some((node, Some(*by).filter(|by| *by < self.len))),
            State::Waiting => Some((node, None)),
            _ => None,
        })
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
        let mut walk = Schedule::new(&graph(&[&[], &[0], &[0, 1]], 3, &[]));
        assert_eq!(walk.begin(), [0]);
        assert_eq!(walk.begin(), Vec::<usize>::new());
        walk.end(0, true);
        assert_eq!(walk.begin(), [1]);
        walk.end(1, true);
        assert_eq!(walk.begin(), [2]);
        assert_eq!(walk.blocked().count(), 0);
    }

    #[test]
    fn a_failure_blocks_what_needs_it_and_nothing_else() {
        let mut walk = Schedule::new(&graph(&[&[], &[0], &[1], &[]], 4, &[]));
        assert_eq!(walk.begin(), [0, 3]);
        walk.end(0, false);
        walk.end(3, true);
        assert_eq!(walk.begin(), Vec::<usize>::new());
        assert_eq!(walk.blocked().collect::<Vec<_>>(), [(1, Some(0)), (2, Some(0))]);
    }

    #[test]
    fn a_lenient_gate_opens_after_failures_and_a_strict_one_does_not() {
        for (lenient, expected) in [(&[2][..], vec![1]), (&[][..], vec![])] {
            let mut walk = Schedule::new(&graph(&[&[], &[2], &[0]], 2, lenient));
            assert_eq!(walk.begin(), [0]);
            walk.end(0, false);
            assert_eq!(walk.begin(), expected);
        }
    }
}
