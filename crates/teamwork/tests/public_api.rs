//! The public API as a file, so that a change to it is seen in review.
//!
//! `tests/public_api.txt` is made of the sources: what `lib.rs` exports, without docs, bodies and private fields. After a change that is
//! meant, `TEAMWORK_API=write cargo test -p teamwork --test public_api` writes it anew.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, iter,
    path::Path,
};

use syn::{
    Attribute, Block, Field, Fields, FnArg, ImplItem, Item, ItemImpl, Pat, PatType, Signature,
    TraitItem, Type, UseTree, Visibility, parse_quote, punctuated::Punctuated, token::Comma,
};

/// Attributes that a user can tell.
const TOLD: [&str; 5] = ["cfg", "cfg_attr", "derive", "must_use", "non_exhaustive"];

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn keep_told(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| TOLD.iter().any(|told| attribute.path().is_ident(told)));
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident(name))
}

/// The names at the ends of a `use` tree.
fn names(tree: &UseTree, found: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, found),
        UseTree::Name(name) => drop(found.insert(name.ident.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, found)),
        _ => panic!("lib.rs exports names, each by itself"),
    }
}

/// What `lib.rs` exports, by module.
fn exports(root: &syn::File) -> BTreeMap<String, BTreeSet<String>> {
    let mut exports: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for item in &root.items {
        if let Item::Use(item) = item
            && is_public(&item.vis)
            && let UseTree::Path(path) = &item.tree
        {
            let module = exports.entry(path.ident.to_string()).or_default();
            names(&path.tree, module);
        }
    }
    exports
}

/// The last name of a type's path: `Job` of `crate::Job<V>`.
fn head(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

fn strip_fields(fields: &mut Fields) {
    let strip = |fields: &mut Punctuated<Field, Comma>| {
        let told = std::mem::take(fields)
            .into_iter()
            .filter(|field| is_public(&field.vis));
        *fields = told
            .map(|mut field| {
                keep_told(&mut field.attrs);
                field
            })
            .collect();
    };
    match fields {
        Fields::Named(named) => strip(&mut named.named),
        Fields::Unnamed(unnamed) => strip(&mut unnamed.unnamed),
        Fields::Unit => {}
    }
}

/// Whether an argument is changed within is nobody's business.
fn strip_arguments(signature: &mut Signature) {
    for argument in &mut signature.inputs {
        match argument {
            // The `mut` of `mut self`; that of `&mut self` is elsewhere.
            FnArg::Receiver(receiver) => receiver.mutability = None,
            FnArg::Typed(PatType { pat, .. }) => {
                if let Pat::Ident(name) = &mut **pat {
                    name.mutability = None;
                }
            }
        }
    }
}

fn empty() -> Block {
    parse_quote!({})
}

/// What is told of an item, if it is one of these names.
fn told(item: Item, exported: &BTreeSet<String>) -> Option<Item> {
    let is_told = |name: &syn::Ident| exported.contains(&name.to_string());
    match item {
        Item::Struct(mut item) if is_told(&item.ident) => {
            keep_told(&mut item.attrs);
            strip_fields(&mut item.fields);
            Some(Item::Struct(item))
        }
        Item::Enum(mut item) if is_told(&item.ident) => {
            keep_told(&mut item.attrs);
            for variant in &mut item.variants {
                keep_told(&mut variant.attrs);
                for field in &mut variant.fields {
                    keep_told(&mut field.attrs);
                }
            }
            Some(Item::Enum(item))
        }
        Item::Trait(mut item) if is_told(&item.ident) => {
            keep_told(&mut item.attrs);
            item.items.iter_mut().for_each(strip_trait_item);
            Some(Item::Trait(item))
        }
        Item::Fn(mut item) if is_told(&item.sig.ident) => {
            keep_told(&mut item.attrs);
            strip_arguments(&mut item.sig);
            *item.block = empty();
            Some(Item::Fn(item))
        }
        Item::Const(mut item) if is_told(&item.ident) => {
            keep_told(&mut item.attrs);
            Some(Item::Const(item))
        }
        Item::Type(mut item) if is_told(&item.ident) => {
            keep_told(&mut item.attrs);
            Some(Item::Type(item))
        }
        // A macro is exported from wherever it is.
        Item::Macro(mut item) if has(&item.attrs, "macro_export") => {
            item.attrs
                .retain(|attribute| attribute.path().is_ident("macro_export"));
            Some(Item::Macro(item))
        }
        Item::Impl(item) => told_impl(item, exported),
        _ => None,
    }
}

/// A default body is told as an empty one.
fn strip_trait_item(item: &mut TraitItem) {
    match item {
        TraitItem::Fn(function) => {
            keep_told(&mut function.attrs);
            strip_arguments(&mut function.sig);
            function.default = function.default.is_some().then(empty);
        }
        TraitItem::Type(item) => keep_told(&mut item.attrs),
        TraitItem::Const(item) => keep_told(&mut item.attrs),
        _ => {}
    }
}

/// The public functions of a type; or that it has a trait, with the associated types.
fn told_impl(mut item: ItemImpl, exported: &BTreeSet<String>) -> Option<Item> {
    keep_told(&mut item.attrs);
    let of = item
        .trait_
        .as_ref()
        .and_then(|(path, _)| path.segments.last());
    let of = of.map(|last| last.ident.to_string());
    let has_exported = |name: Option<String>| name.is_some_and(|name| exported.contains(&name));
    if !has_exported(head(&item.self_ty)) && !has_exported(of.clone()) {
        return None;
    }
    let is_trait = of.is_some();
    item.items.retain_mut(|inner| match inner {
        ImplItem::Fn(function) => {
            keep_told(&mut function.attrs);
            strip_arguments(&mut function.sig);
            function.block = empty();
            !is_trait && is_public(&function.vis)
        }
        ImplItem::Type(_) => true,
        _ => false,
    });
    let is_hidden = of.is_some_and(|of| of == "PinnedDrop" || of == "Drop");
    let is_told = !is_hidden && (is_trait || !item.items.is_empty());
    is_told.then_some(Item::Impl(item))
}

/// What an item is called.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Const(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The items of a file, those inside `pin_project!` as well.
fn items(file: syn::File) -> Vec<Item> {
    let inside = |item| match item {
        Item::Macro(item) if item.mac.path.is_ident("pin_project") => {
            syn::parse2::<syn::File>(item.mac.tokens).unwrap().items
        }
        item => vec![item],
    };
    file.items.into_iter().flat_map(inside).collect()
}

fn parsed(path: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap()
}

fn printed(item: Item) -> String {
    prettyplease::unparse(&syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    })
}

/// The file of a module, and those inside of it.
fn files(sources: &Path, module: &str) -> Vec<syn::File> {
    let file = sources.join(module).with_extension("rs");
    let inside = fs::read_dir(sources.join(module)).into_iter().flatten();
    let mut inside: Vec<_> = inside.map(|entry| entry.unwrap().path()).collect();
    inside.sort_unstable();
    let files = iter::once(file).chain(inside);
    files.map(|file| parsed(&file)).collect()
}

/// The whole public API, module by module.
fn public_api(sources: &Path) -> String {
    let exports = exports(&parsed(&sources.join("lib.rs")));
    let mut text = String::new();
    for (module, exported) in exports {
        let items = files(sources, &module).into_iter().flat_map(items);
        let told: Vec<_> = items.filter_map(|item| told(item, &exported)).collect();
        let defined = told.iter().filter_map(name).collect();
        let missing: Vec<_> = exported.difference(&defined).collect();
        assert!(missing.is_empty(), "not found in {module}.rs: {missing:?}");
        text += &format!("// {module}\n\n");
        for item in told {
            text += &printed(item);
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_public_api_is_the_one_that_was_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reviewed = folder.join("tests/public_api.txt");
    let actual = public_api(&folder.join("src"));
    if env::var_os("TEAMWORK_API").is_some_and(|how| how == "write") {
        fs::write(&reviewed, &actual).unwrap();
    }
    let expected = fs::read_to_string(reviewed).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (new, old) = (lines(&actual), lines(&expected));
    let added: Vec<_> = new.difference(&old).collect();
    let removed: Vec<_> = old.difference(&new).collect();
    assert!(
        actual == expected,
        "the public API has changed; if it is meant, run this test with TEAMWORK_API=write\nadded: {added:#?}\nremoved: {removed:#?}"
    );
}

#[test]
fn the_front_page_states_the_oldest_rust_that_it_takes() {
    let oldest = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer");
    assert!(include_str!("../src/lib.rs").contains(oldest), "{oldest}");
}
