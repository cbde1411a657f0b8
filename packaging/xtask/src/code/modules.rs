//! The modules of a crate as its files declare them, and which file a path leads to.
//!
//! A path is followed through modules, imports and re-exports to the file that defines what it names. Test modules are
//! told apart where they are declared. Absent: methods and fields, which no path names, and what macros make.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use syn::{Item, ItemMod, Lit, Meta};

use crate::code::rust::{Import, attributes_of, is_test_only};
use crate::code::sources::{Project, Target};

pub(crate) struct Modules {
    list: Vec<Module>,
}

pub(crate) struct Module {
    /// The index of its file in the project.
    pub(crate) file: usize,
    /// Whether it is compiled for tests only.
    pub(crate) is_test: bool,
    /// The bytes of the file that are this module's: all of them, or those of an inline module.
    range: Range<usize>,
    parent: Option<usize>,
    /// Several of one name are alternatives for different systems.
    children: HashMap<String, Vec<usize>>,
    items: BTreeSet<String>,
}

/// Where a path leads.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    modules: BTreeSet<usize>,
    /// The modules that define the item that the path names, or goes through.
    items: BTreeSet<usize>,
}

impl Modules {
    pub(crate) fn of(project: &Project, target: &Target) -> Self {
        let mut modules = Self { list: Vec::new() };
        if let Some(file) = project.find(&target.root) {
            let folder = target.root.rsplit_once('/').map_or("", |(folder, _)| folder);
            modules.add_file(project, file, folder, None, false);
        }
        modules
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Module)> {
        self.list.iter().enumerate()
    }

    /// A file and the files that it is a part of, the root of the crate first.
    pub(crate) fn ancestry(&self, file: usize) -> Vec<usize> {
        let mut files = Vec::new();
        let mut next = self.list.iter().find(|module| module.file == file);
        while let Some(module) = next {
            if files.last() != Some(&module.file) {
                files.push(module.file);
            }
            next = module.parent.and_then(|parent| self.list.get(parent));
        }
        files.reverse();
        files
    }

    /// The innermost module that holds a byte of a file.
    pub(crate) fn at(&self, file: usize, at: usize) -> Option<usize> {
        let holds = |module: &Module| module.file == file && module.range.contains(&at);
        let inner = self.iter().filter(|(_, module)| holds(module)).min_by_key(|(_, module)| module.range.len());
        inner.map(|(index, _)| index)
    }

    /// The files that define what a path names, seen from a module; none if that is a module, or of another crate.
    pub(crate) fn files(&self, project: &Project, from: usize, path: &[String]) -> BTreeSet<usize> {
        let place = self.follow(project, from, path, 0);
        place.items.iter().filter_map(|index| self.list.get(*index)).map(|module| module.file).collect()
    }

    /// Whether a name is imported into a module by a public `use`, or may be by one of everything.
    pub(crate) fn is_exported(&self, project: &Project, module: usize, name: &str) -> bool {
        self.imports(project, module).any(|import| import.name == "*" || (import.is_public && import.name == name))
    }

    fn add_file(
        &mut self,
        project: &Project,
        file: usize,
        folder: &str,
        parent: Option<usize>,
        is_test: bool,
    ) -> usize {
        let source = project.sources.get(file);
        let length = source.map_or(0, |source| source.text.len());
        let index = self.add(Module {
            file,
            is_test,
            range: 0..length + 1,
            parent,
            children: HashMap::new(),
            items: BTreeSet::new(),
        });
        if let Some(rust) = source.and_then(|source| source.rust.as_ref()) {
            self.add_items(project, index, folder, &rust.ast.items);
        }
        index
    }

    fn add(&mut self, module: Module) -> usize {
        self.list.push(module);
        self.list.len() - 1
    }

    /// Adds what a module declares; `folder` is where the files of its children are.
    fn add_items(&mut self, project: &Project, index: usize, folder: &str, items: &[Item]) {
        let Some((file, is_test)) = self.list.get(index).map(|module| (module.file, module.is_test)) else { return };
        for item in items {
            let is_test = is_test || attributes_of(item).iter().any(is_test_only);
            if let Item::Mod(module) = item {
                let name = module.ident.to_string();
                let child = if let Some((braces, inner)) = &module.content {
                    let range = braces.span.open().byte_range().start..braces.span.close().byte_range().end;
                    let child = Module {
                        file,
                        is_test,
                        range,
                        parent: Some(index),
                        children: HashMap::new(),
                        items: BTreeSet::new(),
                    };
                    let child = self.add(child);
                    self.add_items(project, child, &format!("{folder}/{name}"), inner);
                    Some(child)
                } else {
                    child_file(project, file, folder, module)
                        .map(|(file, folder)| self.add_file(project, file, &folder, Some(index), is_test))
                };
                if let (Some(child), Some(parent)) = (child, self.list.get_mut(index)) {
                    parent.children.entry(name).or_default().push(child);
                }
            } else if let (Some(name), Some(module)) = (name_of(item), self.list.get_mut(index)) {
                module.items.insert(name);
            }
        }
    }

    fn imports<'a>(&'a self, project: &'a Project, module: usize) -> impl Iterator<Item = &'a Import> {
        let file = self.list.get(module).map_or(usize::MAX, |module| module.file);
        let rust = project.sources.get(file).and_then(|source| source.rust.as_ref());
        let imports = rust.map(|rust| rust.imports.as_slice()).unwrap_or_default();
        imports.iter().filter(move |import| self.at(file, import.at.start) == Some(module))
    }

    fn follow(&self, project: &Project, from: usize, path: &[String], depth: usize) -> Place {
        let Some((first, mut rest)) = path.split_first() else { return Place::default() };
        let mut place = match first.as_str() {
            "crate" => Place { modules: [0].into(), ..Place::default() },
            "self" => Place { modules: [from].into(), ..Place::default() },
            "super" => Place {
                modules: self.list.get(from).and_then(|it| it.parent).into_iter().collect(),
                ..Place::default()
            },
            name => self.find(project, from, name, depth),
        };
        while let Some((next, after)) = rest.split_first() {
            if place.modules.is_empty() {
                break;
            }
            let mut found = Place { items: place.items, ..Place::default() };
            for module in place.modules {
                let next = match next.as_str() {
                    "super" => {
                        let parent = self.list.get(module).and_then(|it| it.parent);
                        Place { modules: parent.into_iter().collect(), ..Place::default() }
                    }
                    name => match self.find(project, module, name, depth) {
                        // A macro's call has made it, so it is defined here.
                        nothing if nothing == Place::default() && module != 0 => {
                            Place { items: [module].into(), ..nothing }
                        }
                        found => found,
                    },
                };
                found.modules.extend(next.modules);
                found.items.extend(next.items);
            }
            place = found;
            rest = after;
        }
        place
    }

    /// What a name is in a module: a child, an item, or something imported.
    fn find(&self, project: &Project, module: usize, name: &str, depth: usize) -> Place {
        let Some(here) = self.list.get(module) else { return Place::default() };
        // Imports may go round in a circle.
        const DEEPEST: usize = 12;
        if depth > DEEPEST {
            return Place::default();
        }
        let mut place = Place::default();
        if let Some(children) = here.children.get(name) {
            place.modules.extend(children);
        }
        if here.items.contains(name) {
            place.items.insert(module);
        }
        if place != Place::default() {
            return place;
        }
        for import in self.imports(project, module).filter(|import| import.name == name) {
            if import.path.first().is_some_and(|first| first == name) {
                // `use serde::{self}` or a crate of the same name: not ours.
                if !here.children.contains_key(name) {
                    continue;
                }
            }
            let found = self.follow(project, module, &import.path, depth + 1);
            place.modules.extend(found.modules);
            place.items.extend(found.items);
        }
        if place == Place::default() {
            for import in self.imports(project, module).filter(|import| import.name == "*") {
                let all = self.follow(project, module, &import.path, depth + 1);
                for other in all.modules.into_iter().filter(|other| *other != module) {
                    let found = self.find(project, other, name, depth + 1);
                    place.modules.extend(found.modules);
                    place.items.extend(found.items);
                }
                // The variants of an enum, perhaps.
                place.items.extend(all.items);
            }
        }
        place
    }
}

/// Marks the files that no library and no program is built of.
pub(crate) fn mark_tests(project: &mut Project) {
    let (mut shipped, mut modules, mut programs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for target in project.packages.iter().flat_map(|package| &package.targets) {
        for (_, module) in Modules::of(project, target).iter() {
            let files = match (target.is_test, module.is_test) {
                (true, _) => &mut programs,
                (false, true) => &mut modules,
                (false, false) => &mut shipped,
            };
            files.insert(module.file);
        }
    }
    for (index, source) in project.sources.iter_mut().enumerate().filter(|(index, _)| !shipped.contains(index)) {
        source.is_test_module = modules.contains(&index);
        source.is_test_program = programs.contains(&index);
    }
}

/// The file of a module that is declared without a body, and the folder of its children.
fn child_file(project: &Project, file: usize, folder: &str, module: &ItemMod) -> Option<(usize, String)> {
    let path = module.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    if let Some(path) = path {
        let declared_in = &project.sources.get(file)?.path;
        let path = format!("{}/{path}", declared_in.rsplit_once('/')?.0);
        // The children of a file with a path of its own are beside it.
        let children = path.rsplit_once('/')?.0.to_owned();
        return Some((project.find(&path)?, children));
    }
    let inner = format!("{folder}/{}", module.ident);
    let found = project.find(&format!("{inner}.rs")).or_else(|| project.find(&format!("{inner}/mod.rs")))?;
    Some((found, inner))
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(it) => &it.ident,
        Item::Enum(it) => &it.ident,
        Item::Fn(it) => &it.sig.ident,
        Item::Macro(it) => it.ident.as_ref()?,
        Item::Static(it) => &it.ident,
        Item::Struct(it) => &it.ident,
        Item::Trait(it) => &it.ident,
        Item::TraitAlias(it) => &it.ident,
        Item::Type(it) => &it.ident,
        Item::Union(it) => &it.ident,
        _ => return None,
    };
    Some(name.to_string())
}
