//! A parsed Rust file: its tokens with their places, its imports, its comments, and which parts of it are tests.
//!
//! The tokens are taken as they stand, so the inside of a macro's call is seen too; the syntax tree says what is a test
//! and what a `use` names. Absent: types and names that only the compiler can know.

use std::ops::Range;

use anyhow::Result;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta};

pub(crate) struct Rust {
    pub(crate) ast: syn::File,
    pub(crate) tokens: Vec<Token>,
    pub(crate) imports: Vec<Import>,
    /// The bytes of each whole `use`.
    pub(crate) uses: Vec<Range<usize>>,
    /// The bytes of what is compiled for tests only.
    pub(crate) tests: Vec<Range<usize>>,
    /// Where each line begins.
    lines: Vec<usize>,
}

pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// Its bytes in the file.
    pub(crate) at: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Identifier,
    /// `::`
    Separator,
    Punctuation,
    Text,
    /// A literal that is no text.
    Literal,
    Documentation,
}

/// One name of a `use`, with the whole path to it; `name` is `*` if it takes everything.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
    pub(crate) is_public: bool,
    pub(crate) at: Range<usize>,
}

/// A path as code says it: `jiff::Timestamp::now`, or a single name.
pub(crate) struct Said {
    pub(crate) path: Vec<String>,
    pub(crate) at: usize,
    /// A field or method: the name follows a `.`.
    pub(crate) is_member: bool,
}

impl Rust {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let stream: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut tokens = Vec::new();
        flatten(stream.clone(), text, &mut tokens);
        let ast: syn::File = syn::parse2(stream)?;
        let mut finder = Finder { tests: Vec::new(), imports: Vec::new(), uses: Vec::new() };
        if ast.attrs.iter().any(is_test_only) {
            finder.tests.push(0..text.len());
        }
        finder.visit_file(&ast);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Ok(Self { ast, tokens, imports: finder.imports, uses: finder.uses, tests: finder.tests, lines })
    }

    /// The number of the line that holds a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// How many lines are not tests.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let all = self.lines.len().saturating_sub(1);
        let mut tests: Vec<Range<usize>> =
            self.tests.iter().map(|range| self.line(range.start)..self.line(range.end) + 1).collect();
        tests.sort_by_key(|range| range.start);
        let mut end = 0;
        let mut count = 0;
        for range in tests {
            count += range.end.saturating_sub(range.start.max(end));
            end = end.max(range.end);
        }
        all.saturating_sub(count)
    }

    /// Every path outside of tests, as it is written.
    pub(crate) fn said(&self) -> Vec<Said> {
        let mut found: Vec<Said> = Vec::new();
        let mut before = [None, None];
        for token in &self.tokens {
            if token.kind == Kind::Identifier && !self.is_test(token.at.start) {
                match (before, found.last_mut()) {
                    ([Some(Kind::Identifier), Some(Kind::Separator)], Some(said)) => said.path.push(token.text.clone()),
                    _ => found.push(Said {
                        path: vec![token.text.clone()],
                        at: token.at.start,
                        is_member: self.is_after_dot(token.at.start),
                    }),
                }
            }
            before = [before[1], Some(token.kind)];
        }
        found
    }

    fn is_after_dot(&self, at: usize) -> bool {
        let index = self.tokens.partition_point(|token| token.at.start < at);
        let dots = self.tokens.iter().take(index).rev().take_while(|token| token.text == ".").count();
        dots == 1
    }

    /// The comments, documentation and texts, with the byte where each begins.
    pub(crate) fn prose<'a>(&self, text: &'a str) -> Vec<(usize, &'a str)> {
        let mut found = Vec::new();
        let mut end = 0;
        for token in &self.tokens {
            let gap = text.get(end..token.at.start).unwrap_or_default();
            if gap.contains('/') {
                found.push((end, gap));
            }
            if matches!(token.kind, Kind::Text | Kind::Documentation) {
                found.push((token.at.start, text.get(token.at.clone()).unwrap_or_default()));
            }
            end = end.max(token.at.end);
        }
        found.push((end, text.get(end..).unwrap_or_default()));
        found
    }
}

fn flatten(stream: TokenStream, text: &str, tokens: &mut Vec<Token>) {
    let mut is_documentation = false;
    let mut is_joint = false;
    for tree in stream {
        match tree {
            TokenTree::Group(group) if is_documentation && group.delimiter() == Delimiter::Bracket => {
                is_documentation = false;
            }
            TokenTree::Group(group) => {
                push(tokens, Kind::Punctuation, group.span_open().byte_range(), text);
                flatten(group.stream(), text, tokens);
                push(tokens, Kind::Punctuation, group.span_close().byte_range(), text);
            }
            TokenTree::Ident(ident) => push(tokens, Kind::Identifier, ident.span().byte_range(), text),
            TokenTree::Punct(punct) => {
                let at = punct.span().byte_range();
                if is_documentation {
                    // The `!` of an inner comment.
                } else if text.get(at.clone()).is_some_and(|text| text.starts_with('/') && text.len() > 1) {
                    is_documentation = true;
                    push(tokens, Kind::Documentation, at, text);
                } else if punct.as_char() == ':' && is_joint {
                    if let Some(token) = tokens.last_mut() {
                        token.kind = Kind::Separator;
                        token.at.end = at.end;
                    }
                } else {
                    push(tokens, Kind::Punctuation, at, text);
                }
                is_joint = punct.as_char() == ':' && punct.spacing() == Spacing::Joint && !is_joint;
                continue;
            }
            TokenTree::Literal(literal) => {
                let at = literal.span().byte_range();
                let is_text = text.get(at.clone()).is_some_and(|text| text.ends_with(['"', '#']));
                push(tokens, if is_text { Kind::Text } else { Kind::Literal }, at, text);
            }
        }
        is_joint = false;
    }
}

fn push(tokens: &mut Vec<Token>, kind: Kind, at: Range<usize>, text: &str) {
    let text = text.get(at.clone()).unwrap_or_default();
    tokens.push(Token { kind, text: text.strip_prefix("r#").unwrap_or(text).to_owned(), at });
}

/// Collects what is compiled for tests only, and what is imported.
struct Finder {
    tests: Vec<Range<usize>>,
    imports: Vec<Import>,
    uses: Vec<Range<usize>>,
}

impl Finder {
    fn is_test(&mut self, attributes: &[Attribute], at: proc_macro2::Span) -> bool {
        let is_test = attributes.iter().any(is_test_only);
        if is_test {
            self.tests.push(at.byte_range());
        }
        is_test
    }

    fn import(&mut self, tree: &syn::UseTree, path: &[String], is_public: bool) {
        let mut found = |path: Vec<String>, name: String| {
            self.imports.push(Import { path, name, is_public, at: tree.span().byte_range() });
        };
        let with = |name: &syn::Ident| [path, &[plain(name)]].concat();
        // `self` in braces is the path so far.
        let whole = |name: &syn::Ident| if name == "self" && !path.is_empty() { path.to_vec() } else { with(name) };
        match tree {
            syn::UseTree::Path(next) => self.import(&next.tree, &with(&next.ident), is_public),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, path, is_public);
                }
            }
            syn::UseTree::Name(name) => {
                let whole = whole(&name.ident);
                let last = whole.last().cloned().unwrap_or_default();
                found(whole, last);
            }
            syn::UseTree::Rename(rename) => found(whole(&rename.ident), plain(&rename.rename)),
            syn::UseTree::Glob(_) => found(path.to_vec(), "*".to_owned()),
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !self.is_test(attributes_of(item), item.span()) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[Attribute] = match item {
            syn::ImplItem::Const(it) => &it.attrs,
            syn::ImplItem::Fn(it) => &it.attrs,
            syn::ImplItem::Type(it) => &it.attrs,
            syn::ImplItem::Macro(it) => &it.attrs,
            _ => &[],
        };
        if !self.is_test(attributes, item.span()) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !self.is_test(&local.attrs, local.span()) {
            visit::visit_local(self, local);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.uses.push(item.span().byte_range());
        self.import(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = item.rename.as_ref().map_or_else(|| plain(&item.ident), |(_, name)| plain(name));
        let path = vec![plain(&item.ident)];
        self.imports.push(Import { path, name, is_public: false, at: item.span().byte_range() });
    }
}

fn plain(name: &syn::Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), ToOwned::to_owned)
}

pub(crate) fn attributes_of(item: &syn::Item) -> &[Attribute] {
    use syn::Item;
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::ForeignMod(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::TraitAlias(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Union(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Whether an attribute keeps what it stands on out of every build but the tests'.
pub(crate) fn is_test_only(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    attribute.path().is_ident("cfg") && list.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta))
}

fn needs_test(meta: &Meta) -> bool {
    let Meta::List(list) = meta else { return meta.path().is_ident("test") };
    let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parser) else { return false };
    if list.path.is_ident("all") {
        parts.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(needs_test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        Rust::parse(text).unwrap().said().iter().map(|said| said.path.join("::")).collect()
    }

    #[test]
    fn test_code_is_known_by_its_attribute_wherever_it_stands() {
        let text = "#[cfg(test)]\nmod tests { fn hidden() {} }\nfn seen() {}\n#[cfg(all(test, unix))]\nfn hidden() {}\n\
                    impl T { #[cfg(test)] fn hidden() {} fn seen_too() {} }\n#[cfg(not(test))]\nfn seen_as_well() {}";
        let said = said(text);
        assert!(!said.contains(&"hidden".to_owned()), "{said:?}");
        for name in ["seen", "seen_too", "seen_as_well"] {
            assert!(said.contains(&name.to_owned()), "{name}: {said:?}");
        }
    }

    #[test]
    fn a_path_is_one_thing_also_in_a_macro_and_a_comment_is_nothing() {
        assert_eq!(said("fn f() { m!(a::b, c.await); } // x::y"), ["fn", "f", "m", "a::b", "c", "await"]);
    }

    #[test]
    fn an_import_has_its_whole_path_and_its_name() {
        let file = Rust::parse("use a::{self, b as c, d::*};\npub use e::f;").unwrap();
        let list: Vec<_> = file.imports.iter().map(|it| (it.path.join("::"), it.name.as_str(), it.is_public)).collect();
        let expected = [("a", "a", false), ("a::b", "c", false), ("a::d", "*", false), ("e::f", "f", true)];
        assert_eq!(list, expected.map(|(path, name, is_public)| (path.to_owned(), name, is_public)));
    }

    #[test]
    fn prose_is_comments_documentation_and_texts() {
        let text = "//! one\n/// two\nfn f() { g(\"three\") } // four\n/* five */";
        let prose: String = Rust::parse(text).unwrap().prose(text).iter().map(|(_, text)| *text).collect();
        for word in ["one", "two", "three", "four", "five"] {
            assert!(prose.contains(word), "{word}: {prose}");
        }
        assert!(!prose.contains("g("), "{prose}");
    }

    #[test]
    fn lines_are_counted_without_the_tests() {
        let text = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\nfn h() {}\n";
        assert_eq!(Rust::parse(text).unwrap().lines_without_tests(), 3);
    }
}
