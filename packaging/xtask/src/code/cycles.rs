//! No files of one crate need each other in a circle.
//!
//! A file needs another if it names something that the other defines. To declare a module and to export again what it
//! defines is no need. One kind of circle is allowed: a module and its own submodules may name each other, since a
//! submodule is a part of its module (`store.rs` is the front of all in `store/`). The root of a crate is no such front.
//! Test modules do not count.

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

/// For each file which others it needs, and one place that says so.
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
    let mut needs = Needs::new();
    for need in &all {
        needs.entry(need.file).or_default().entry(need.other).or_insert(need);
    }
    let ancestry = modules.iter().map(|(_, module)| (module.file, modules.ancestry(module.file))).collect();
    let mut found = Vec::new();
    circles(&needs, &ancestry, &mut found);
    found.iter().filter_map(|circle| describe(project, &needs, circle)).collect()
}

/// For each file itself and the files that it is a part of, the root of the crate first.
type Ancestry = BTreeMap<usize, Vec<usize>>;

/// Whether a file is another, or a part of it; nothing is a part of the root, of which everything would be.
fn is_part(ancestry: &Ancestry, file: usize, front: usize) -> bool {
    ancestry.get(&file).is_some_and(|files| files.iter().skip(1).any(|it| *it == front))
}

/// Adds the circles that are not allowed: the shortest, and of others those that share no step with it.
fn circles(needs: &Needs<'_>, ancestry: &Ancestry, found: &mut Vec<Vec<usize>>) {
    for group in groups(needs) {
        let inner = needs.iter().filter(|(file, _)| group.contains(file));
        let mut inner: Needs<'_> = inner.map(|(file, to)| (*file, to.clone())).collect();
        inner.values_mut().for_each(|to| to.retain(|file, _| group.contains(file)));
        if let Some(front) = group.iter().find(|front| group.iter().all(|file| is_part(ancestry, *file, **front))) {
            // What a part says of its whole is allowed; is there a circle without it?
            inner.values_mut().for_each(|to| {
                to.remove(front);
            });
            circles(&inner, ancestry, found);
            continue;
        }
        let mut closed: Vec<Vec<usize>> = Vec::new();
        for (from, to) in inner.iter().flat_map(|(from, to)| to.keys().map(move |to| (*from, *to))) {
            if !is_part(ancestry, from, to) && !is_part(ancestry, to, from) {
                closed.extend(way(&inner, to, from));
            }
        }
        for circle in &mut closed {
            let first = circle.iter().enumerate().min_by_key(|(_, file)| **file).map_or(0, |(at, _)| at);
            circle.rotate_left(first);
        }
        closed.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        let mut shown: BTreeSet<(usize, usize)> = BTreeSet::new();
        for circle in closed {
            let steps: Vec<_> = circle.iter().copied().zip(circle.iter().copied().cycle().skip(1)).collect();
            if steps.iter().all(|step| !shown.contains(step)) {
                shown.extend(steps);
                found.push(circle);
            }
        }
    }
}

/// The groups of files that all need each other, directly or not.
fn groups(needs: &Needs<'_>) -> Vec<BTreeSet<usize>> {
    let reached: BTreeMap<usize, BTreeSet<usize>> = needs.keys().map(|file| (*file, reached(needs, *file))).collect();
    let mut groups: Vec<BTreeSet<usize>> = Vec::new();
    for (file, others) in &reached {
        if others.contains(file) && !groups.iter().any(|group| group.contains(file)) {
            let is_back = |other: &&usize| reached.get(other).is_some_and(|others| others.contains(file));
            groups.push(others.iter().filter(is_back).copied().collect());
        }
    }
    groups
}

fn reached(needs: &Needs<'_>, start: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut queue = vec![start];
    while let Some(file) = queue.pop() {
        queue.extend(needs.get(&file).into_iter().flat_map(BTreeMap::keys).filter(|next| found.insert(**next)));
    }
    found
}

/// The shortest way from one file to another, with both.
fn way(needs: &Needs<'_>, start: usize, end: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        if file == end {
            let mut way = vec![file];
            while let Some(before) = way.last().filter(|file| **file != start).and_then(|file| came_from.get(file)) {
                way.push(*before);
            }
            way.reverse();
            return Some(way);
        }
        for next in needs.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if *next != start && !came_from.contains_key(next) {
                came_from.insert(*next, file);
                queue.push_back(*next);
            }
        }
    }
    None
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
    fn a_module_and_its_submodules_may_name_each_other() {
        let root = ("lib.rs", "mod a;\nmod b;");
        let a = ("a.rs", "mod x;\nmod y;\npub use x::X;\npub struct A;\nfn f(x: X) { y::y() }");
        let (x, y) = (("a/x.rs", "use super::A;\npub struct X(A);"), ("a/y.rs", "pub fn y() {}"));
        assert_eq!(found(&[root, a, x, y, ("b.rs", "use crate::a::X;")]), [""; 0]);

        let (x, y) = (
            ("a/x.rs", "use super::{A, y::Y};\npub struct X;"),
            ("a/y.rs", "use super::X;\npub fn y() {}\npub struct Y;"),
        );
        let beside = found(&[root, a, x, y, ("b.rs", "")]);
        assert_eq!(
            beside,
            ["need each other: a/x.rs:1 names super::y::Y of a/y.rs; a/y.rs:1 names super::X of a/x.rs"]
        );
    }

    #[test]
    fn a_circle_that_leaves_the_module_is_one() {
        let root = ("lib.rs", "mod a;\nmod b;");
        let a = ("a.rs", "mod x;\npub use x::X;\npub struct A;\nfn f() { crate::b::b() }");
        let x = ("a/x.rs", "use super::A;\npub struct X(A);");
        let found = found(&[root, a, x, ("b.rs", "use crate::a::X;\npub fn b() {}")]);
        assert_eq!(found.len(), 1, "{found:?}");
        for step in ["a.rs:4 names", "a/x.rs:1 names", "b.rs:1 names"] {
            assert!(found[0].contains(step), "{found:?}");
        }
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
