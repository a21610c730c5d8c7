//! A packed R-tree: boxes that never change, in flat arrays.
//!
//! A general R-tree keeps every node on the heap by itself. Packed, the nodes of a mesh of 10,000 cells lie side
//! by side in a few hundred kilobytes, which is what makes locating a point a matter of half a microsecond.

/// West, south, east, north.
pub(super) type Bounds = [f64; 4];

/// Children of a node: two or three cache lines of comparisons for each step down.
const FAN_OUT: usize = 8;

/// Boxes with a number each, for finding those that touch another box.
#[derive(Debug)]
pub(super) struct PackedTree {
    /// The boxes themselves first, then each level of boxes around `FAN_OUT` boxes of the level before.
    levels: Vec<Vec<Bounds>>,
    numbers: Vec<usize>,
}

impl PackedTree {
    /// From (box, number); boxes must be finite.
    pub(super) fn new(mut items: Vec<(Bounds, usize)>) -> Self {
        sort_into_tiles(&mut items);
        let (leaves, numbers) = items.into_iter().unzip();
        let mut levels: Vec<Vec<Bounds>> = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > FAN_OUT) {
            let above =
                below.chunks(FAN_OUT).filter_map(|boxes| boxes.iter().copied().reduce(join)).collect();
            levels.push(above);
        }
        Self { levels, numbers }
    }

    /// Calls `visit` with the number of every box that touches `query`, in no particular order.
    pub(super) fn touching(&self, query: &Bounds, visit: &mut impl FnMut(usize)) {
        let top = self.levels.len() - 1;
        self.descend(top, 0..self.levels[top].len(), query, visit);
    }

    fn descend(
        &self,
        level: usize,
        range: std::ops::Range<usize>,
        query: &Bounds,
        visit: &mut impl FnMut(usize),
    ) {
        let start = range.start;
        for (i, bounds) in self.levels[level][range].iter().enumerate() {
            if !touch(bounds, query) {
                continue;
            }
            if level == 0 {
                visit(self.numbers[start + i]);
            } else {
                let first = (start + i) * FAN_OUT;
                let last = (first + FAN_OUT).min(self.levels[level - 1].len());
                self.descend(level - 1, first..last, query, visit);
            }
        }
    }
}

/// Sort-tile-recursive: strips from west to east, each from south to north, so that neighbours share nodes.
fn sort_into_tiles(items: &mut [(Bounds, usize)]) {
    let middle = |low: f64, high: f64| low / 2.0 + high / 2.0;
    items.sort_by(|(a, _), (b, _)| middle(a[0], a[2]).total_cmp(&middle(b[0], b[2])));
    let nodes = items.len().div_ceil(FAN_OUT);
    let strip = FAN_OUT * (nodes as f64).sqrt().ceil().max(1.0) as usize;
    for strip in items.chunks_mut(strip) {
        strip.sort_by(|(a, _), (b, _)| middle(a[1], a[3]).total_cmp(&middle(b[1], b[3])));
    }
}

/// The box around two.
pub(super) fn join(a: Bounds, b: Bounds) -> Bounds {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

fn touch(a: &Bounds, b: &Bounds) -> bool {
    (a[0] <= b[2]) & (a[2] >= b[0]) & (a[1] <= b[3]) & (a[3] >= b[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(tree: &PackedTree, query: &Bounds) -> Vec<usize> {
        let mut numbers = Vec::new();
        tree.touching(query, &mut |number| numbers.push(number));
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn an_empty_tree_finds_nothing() {
        assert_eq!(found(&PackedTree::new(vec![]), &[-180.0, -90.0, 180.0, 90.0]), Vec::<usize>::new());
    }

    proptest! {
        #[test]
        fn finds_what_a_list_finds(
            boxes in prop::collection::vec((0..40_u8, 0..40_u8, 0..5_u8, 0..5_u8), 1..700),
            query in (0..40_u8, 0..40_u8, 0..9_u8, 0..9_u8)
        ) {
            let bounds = |(x, y, wide, high): (u8, u8, u8, u8)| {
                [f64::from(x), f64::from(y), f64::from(x + wide), f64::from(y + high)]
            };
            let items: Vec<(Bounds, usize)> = boxes.into_iter().map(bounds).zip(0..).collect();
            let query = bounds(query);
            let listed: Vec<usize> = items.iter().filter(|(b, _)| touch(b, &query)).map(|item| item.1).collect();
            prop_assert_eq!(found(&PackedTree::new(items), &query), listed);
        }
    }
}
