//! Which paths come nearest to one that is not there: what a person who mistyped it probably meant.

use crate::notation::distance;

/// Gives the paths of fewest letters to change, the nearest first; at most `most`, each within `furthest` letters.
pub fn nearest<'a>(
    path: &str,
    all: impl IntoIterator<Item = &'a str>,
    most: usize,
    furthest: usize,
) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> = all
        .into_iter()
        .filter(|other| other.len().abs_diff(path.len()) <= furthest.saturating_mul(4))
        .map(|other| (distance(path, other), other))
        .filter(|(distance, _)| *distance <= furthest)
        .collect();
    near.sort_unstable();
    near.into_iter().take(most).map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters_to_change() {
        let check = |one: &str, other: &str, expected: usize| {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        };
        check("replicaCount", "replicaCount", 0);
        check("replicacount", "replicaCount", 1);
        check("", "abc", 3);
        check("image.tga", "image.tag", 2);
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let all = ["image.tag", "image.tags", "replicaCount"];
        assert_eq!(nearest("image.tagz", all, 3, 2), ["image.tag", "image.tags"]);
        assert_eq!(nearest("image.tagz", all, 1, 2), ["image.tag"]);
        assert!(nearest("port", all, 3, 2).is_empty());
        assert_eq!(nearest("x", all, 3, usize::MAX).len(), 3);
    }
}
