//! The modules of the dataplane form one list, and each uses only what stands to its left.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::{Finding, Source};

/// The list as `dataplane/src/lib.rs` declares it: `a < b < c` in its doc comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleOrder(Vec<String>);

impl ModuleOrder {
    /// Reads the declaration; `None` where there is none.
    pub fn declared_in(text: &str) -> Option<ModuleOrder> {
        let line = text.lines().find(|line| line.starts_with("//!") && line.matches(" < ").count() >= 2)?;
        let list = line.split('`').nth(1)?;
        Some(ModuleOrder(list.split(" < ").map(|name| name.trim().to_owned()).collect()))
    }

    /// How many modules it names.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, module: &str) -> Option<usize> {
        self.0.iter().position(|name| name == module)
    }
}

/// Each reference from a module to one that does not stand to its left, and a module that is not in the list.
pub fn module_direction(source: &Source, order: &ModuleOrder) -> Vec<Finding> {
    let Some(module) = module_of(&source.path) else {
        return Vec::new();
    };
    let Some(own) = order.position(module) else {
        return vec![Finding::at(source, 0, format!("module {module} is not in the declared order"))];
    };
    let tokens = source.text.parse::<TokenStream>().unwrap_or_default();
    let mut names = Vec::new();
    referenced(tokens, &mut names);
    names
        .into_iter()
        .filter(|name| order.position(&name.to_string()).is_some_and(|position| position > own))
        .map(|name| {
            let what = format!("{module} uses {name}, which stands to its right");
            Finding::at(source, name.span().start().line, what)
        })
        .collect()
}

/// The top-level module that a file of the dataplane belongs to.
fn module_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("dataplane/src/")?;
    let first = rest.split('/').next()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (module != "lib").then_some(module)
}

/// The names directly behind `crate::`, also in groups: `crate::{decode::Packet, flow}`.
fn referenced(tokens: TokenStream, names: &mut Vec<Ident>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            referenced(group.stream(), names);
        }
        let TokenTree::Ident(ident) = token else { continue };
        if ident != "crate"
            || !matches!(tokens.get(at + 1), Some(TokenTree::Punct(colon)) if colon.as_char() == ':')
        {
            continue;
        }
        match tokens.get(at + 3) {
            Some(TokenTree::Ident(name)) => names.push(name.clone()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                heads(group.stream(), names);
            }
            _ => {}
        }
    }
}

/// The first name of each element of a `use` group.
fn heads(tokens: TokenStream, names: &mut Vec<Ident>) {
    let mut is_head = true;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if is_head => {
                names.push(name);
                is_head = false;
            }
            TokenTree::Punct(comma) if comma.as_char() == ',' => is_head = true,
            _ => {}
        }
    }
}
