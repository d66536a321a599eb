//! **strata** says which Kubernetes objects change, on which clusters, and which line of which file caused it.
//!
//! The library behind two thin binaries: `terraform-provider-strata`, which Terraform starts, and `strata`, which people
//! and CI start. A plan passes the rooms in this order:
//!
//! 1. `provider` decodes what a user wrote in HCL; `cli` decodes the same from flags. Both are thin.
//! 2. `source` reads charts and layers: the only room with I/O on the way in.
//! 3. `layers` keeps values as a stack with origins; who won and whom it shadowed is computed on demand.
//! 4. `fleet` knows which services run on which clusters; `release` renders a chart with its layers for one cluster, through the `helm-engine` crate.
//! 5. `manifest` turns rendered objects into the display form that Terraform diffs, one line per changed field.
//! 6. `delivery` brings the objects to where the agent reads them: the only room with I/O on the way out.
//!
//! `docs/architecture.md` draws the picture; the `architecture` test below keeps it true.

pub mod argocd;
pub mod cli;
pub mod delivery;
pub mod fleet;
pub mod flux;
pub mod layers;
pub mod manifest;
pub mod notation;
pub mod provider;
pub mod release;
pub mod source;

#[cfg(test)]
mod architecture {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// A room, the rooms it may use, and whether it is pure: data in, data out.
    struct Room {
        name: &'static str,
        may_use: &'static [&'static str],
        pure: bool,
    }

    const fn pure(name: &'static str, may_use: &'static [&'static str]) -> Room {
        Room { name, may_use, pure: true }
    }

    const fn edge(name: &'static str, may_use: &'static [&'static str]) -> Room {
        Room { name, may_use, pure: false }
    }

    /// Nothing points up. A new arrow is a line here, defended in its commit message.
    const ROOMS: &[Room] = &[
        edge("provider", &["delivery", "source", "argocd", "flux", "release", "layers", "manifest"]),
        edge("cli", &["delivery", "source", "fleet", "release", "layers", "manifest"]),
        edge("delivery", &["source", "manifest"]),
        edge("source", &["notation"]),
        pure("fleet", &["layers"]),
        pure("argocd", &["release", "manifest"]),
        pure("flux", &["release", "manifest"]),
        pure("release", &["layers", "manifest", "notation"]),
        pure("layers", &["notation"]),
        pure("manifest", &["notation"]),
        pure("notation", &[]),
    ];

    /// What a pure room never touches.
    const IMPURE: &[&str] =
        &["std::fs", "std::env", "std::net", "std::process", "SystemTime", "Instant::now", "tokio", "tonic"];

    #[test]
    fn rooms_use_only_the_rooms_below_them() {
        let mut wrong = Vec::new();
        for (path, text) in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
            let Some(room) = ROOMS.iter().find(|room| path.starts_with(room.name)) else { continue };
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                wrong.extend(forbidden_in(room, line).map(|what| format!("src/{}: {what}", path.display())));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    fn forbidden_in<'a>(room: &'a Room, line: &'a str) -> impl Iterator<Item = String> + 'a {
        let arrows = line.match_indices("crate::").filter_map(move |(at, _)| {
            let target: String =
                line[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let known = ROOMS.iter().any(|other| other.name == target);
            (known && target != room.name && !room.may_use.contains(&target.as_str()))
                .then(|| format!("`{}` may not use `{target}`", room.name))
        });
        let impure = IMPURE.iter().filter(move |word| room.pure && line.contains(*word));
        arrows.chain(impure.map(|word| format!("`{}` is pure and may not use `{word}`", room.name)))
    }

    #[test]
    fn the_table_names_every_room() {
        let lib = include_str!("lib.rs");
        let declared = lib
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod "))
            .map(|name| name.trim_end_matches(';'));
        for name in declared {
            assert!(ROOMS.iter().any(|room| room.name == name), "`{name}` is missing in ROOMS");
        }
    }

    #[test]
    fn a_wrong_arrow_is_found() {
        let room = pure("manifest", &[]);
        assert_eq!(forbidden_in(&room, "use crate::provider::x; use tokio::fs;").count(), 2);
    }

    /// Returns every source file under `root`, by path relative to it.
    fn sources(root: &Path) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the source folder is readable") {
                let path = entry.expect("the source folder is readable").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).expect("sources are UTF-8");
                    found.push((path.strip_prefix(root).expect("it is below the root").to_path_buf(), text));
                }
            }
        }
        found
    }
}
