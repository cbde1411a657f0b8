//! No modules of one crate that stand beside each other need each other in a circle.
//!
//! A file needs another if it names something that the other defines. To declare a module and to export again what it
//! defines is no need. A module and its own submodules are one thing, of which the file of the module is the front: they
//! may name each other, and what one of them needs, the whole needs. So the rule holds on every level, for `store` beside
//! `inbox` as for `store/search` beside `store/select`; only the root of a crate is no front, and a module that needs
//! what the root defines, while the root needs it, is in a circle. Test modules do not count.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::code::modules::Modules;
use crate::code::sources::{Finding, Project, Target};

/// What a file says of another: which, where and by which name.
struct Need {
    file: usize,
    line: usize,
    name: String,
    other: usize,
}

/// For each module, named by its file, which others beside it it needs, and one place that says so.
type Needs<'a> = BTreeMap<usize, BTreeMap<usize, &'a Need>>;

pub(crate) fn check(project: &Project) -> Vec<Finding> {
    let targets = project.packages.iter().flat_map(|package| &package.targets);
    let mut found: Vec<Finding> = targets.flat_map(|target| cycles(project, target)).collect();
    found.sort();
    found.dedup();
    found
}

fn cycles(project: &Project, target: &Target) -> Vec<Finding> {
    let modules = Modules::of(project, target);
    let all = needs(project, &modules);
    let mut levels: BTreeMap<usize, Needs<'_>> = BTreeMap::new();
    for need in &all {
        let (from, to) = (modules.ancestry(need.file), modules.ancestry(need.other));
        let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        let Some(level) = shared.checked_sub(1).and_then(|level| from.get(level)) else { continue };
        let (from, to) = match (from.get(shared), to.get(shared)) {
            (Some(from), Some(to)) => (*from, *to),
            // A part and its whole; of the root all are parts.
            (Some(from), None) if shared == 1 => (*from, *level),
            (None, Some(to)) if shared == 1 => (*level, *to),
            _ => continue,
        };
        levels.entry(*level).or_default().entry(from).or_default().entry(to).or_insert(need);
    }
    levels.values().flat_map(|needs| circles(project, needs)).collect()
}

/// Circles in which each module that is in one is named at least once.
fn circles(project: &Project, needs: &Needs<'_>) -> Vec<Finding> {
    let mut left: BTreeSet<usize> = needs.keys().copied().collect();
    let mut found = Vec::new();
    while let Some(start) = left.pop_first() {
        let Some(circle) = shortest(needs, start) else { continue };
        circle.iter().for_each(|module| {
            left.remove(module);
        });
        found.extend(describe(project, needs, &circle));
    }
    found
}

fn needs(project: &Project, modules: &Modules) -> Vec<Need> {
    let files: BTreeSet<usize> = modules.iter().filter(|(_, it)| !it.is_test).map(|(_, it)| it.file).collect();
    let mut needs = Vec::new();
    for file in files {
        let Some(rust) = project.sources.get(file).and_then(|source| source.rust.as_ref()) else { continue };
        let mut add = |at: usize, path: &[String]| {
            let Some(module) = modules.at(file, at) else { return };
            for other in modules.files(project, module, path).into_iter().filter(|other| *other != file) {
                needs.push(Need { file, line: rust.line(at), name: path.join("::"), other });
            }
        };
        for import in rust.imports.iter().filter(|import| !import.is_public && import.name != "*") {
            add(import.at.start, &import.path);
        }
        let mut known: HashMap<&str, bool> = HashMap::new();
        let said = rust.said();
        for said in said.iter().filter(|said| !said.is_member) {
            if rust.uses.iter().any(|range| range.contains(&said.at)) {
                continue;
            }
            let is_worth = match said.path.as_slice() {
                [name] => *known.entry(name).or_insert_with(|| {
                    modules.at(file, said.at).is_some_and(|module| modules.is_exported(project, module, name))
                }),
                _ => true,
            };
            if is_worth {
                add(said.at, &said.path);
            }
        }
    }
    needs
}

/// The shortest way from a file back to itself.
fn shortest(needs: &Needs<'_>, start: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in needs.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if *next == start {
                let mut circle = vec![file];
                while let Some(before) = circle.last().and_then(|file| came_from.get(file)) {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(*next, file);
                queue.push_back(*next);
            }
        }
    }
    None
}

fn describe(project: &Project, needs: &Needs<'_>, circle: &[usize]) -> Option<Finding> {
    let path = |file: usize| project.sources.get(file).map_or("", |source| source.path.as_str());
    let nexts = circle.iter().skip(1).chain(circle.first());
    let steps: Vec<&Need> =
        circle.iter().zip(nexts).filter_map(|(from, to)| needs.get(from)?.get(to).copied()).collect();
    let say = |need: &&Need| format!("{}:{} names {} of {}", path(need.file), need.line, need.name, path(need.other));
    let text = format!("need each other: {}", steps.iter().map(say).collect::<Vec<_>>().join("; "));
    steps.first().map(|first| Finding { path: path(first.file).to_owned(), line: first.line, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::sources::Source;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::new(&format!("a/src/{path}"), (*text).to_owned()).unwrap())
            .collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let project = Project { sources, packages: Vec::new() };
        let target = Target { root: "a/src/lib.rs".to_owned(), is_test: false };
        cycles(&project, &target).into_iter().map(|finding| finding.text.replace("a/src/", "")).collect()
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle() {
        let found = found(&[
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "use crate::b::B;\npub struct A(B);"),
            ("b.rs", "pub struct B;\nfn f(a: crate::a::A) {}"),
        ]);
        assert_eq!(found, ["need each other: a.rs:1 names crate::b::B of b.rs; b.rs:2 names crate::a::A of a.rs"]);
    }

    #[test]
    fn a_circle_of_three_is_found_through_modules_exports_and_macros() {
        let found = found(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::deep::C;"),
            ("a.rs", "use super::b;\npub fn a() { b::b() }"),
            ("b.rs", "pub fn b() { println!(\"{}\", crate::C) }"),
            ("c.rs", "pub mod deep;"),
            ("c/deep.rs", "pub struct C;\nfn f() { super::super::a::a() }"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        for file in ["a.rs:2", "b.rs:1", "c/deep.rs:2"] {
            assert!(found[0].contains(file), "{found:?}");
        }
    }

    #[test]
    fn a_module_and_its_submodules_are_one_thing() {
        let parent = ("a.rs", "mod x;\nmod y;\npub use x::X;\npub struct A;\nfn f(x: X) { y::y() }");
        let (x, y) = (("a/x.rs", "use super::A;\npub struct X(A);"), ("a/y.rs", "pub fn y() {}"));
        assert_eq!(found(&[("lib.rs", "mod a;\nmod b;"), parent, x, y, ("b.rs", "use crate::a::X;")]), [""; 0]);

        let needs_b = ("a/y.rs", "pub fn y() { crate::b::b() }");
        let through =
            found(&[("lib.rs", "mod a;\nmod b;"), parent, x, needs_b, ("b.rs", "use crate::a::X;\npub fn b() {}")]);
        assert_eq!(
            through,
            ["need each other: a/y.rs:1 names crate::b::b of b.rs; b.rs:1 names crate::a::X of a/x.rs"]
        );

        let (x, y) = (("a/x.rs", "use super::y::Y;\npub struct X;"), ("a/y.rs", "use super::X;\npub struct Y;"));
        let beside = found(&[("lib.rs", "mod a;"), ("a.rs", "mod x;\nmod y;\npub use x::X;"), x, y]);
        assert_eq!(
            beside,
            ["need each other: a/x.rs:1 names super::y::Y of a/y.rs; a/y.rs:1 names super::X of a/x.rs"]
        );
    }

    #[test]
    fn the_root_may_export_a_module_that_needs_it_but_not_need_it() {
        let module = ("a.rs", "use crate::Root;\npub struct A(Root);");
        assert_eq!(found(&[("lib.rs", "mod a;\npub use a::A;\npub struct Root;"), module]), [""; 0]);
        assert_eq!(found(&[("lib.rs", "mod a;\npub use a::A;\npub struct Root;\nfn f(a: A) {}"), module]).len(), 1);
    }

    #[test]
    fn tests_may_name_what_they_test() {
        let found = found(&[
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "use crate::b::B;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod more { use crate::b::B; }"),
            ("a/tests.rs", "use super::*;\nuse crate::b::B;"),
            ("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
