//! Files and functions that fit into a head.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{Finding, Source};

/// Lines of a source file.
pub const FILE_LINES_MAX: usize = 500;

/// Lines of a function from `fn` to its closing brace.
pub const FUNCTION_LINES_MAX: usize = 70;

/// The file, where it is too long.
pub fn file_length(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    (lines > FILE_LINES_MAX)
        .then(|| Finding::at(source, 0, format!("{lines} lines; at most {FILE_LINES_MAX} are allowed")))
}

/// Each function that is too long, and each file that is no Rust.
pub fn function_lengths(source: &Source) -> Vec<Finding> {
    let file = match syn::parse_file(&source.text) {
        Ok(file) => file,
        Err(error) => {
            return vec![Finding::at(source, error.span().start().line, format!("not Rust: {error}"))];
        }
    };
    let mut functions = Functions { source, findings: Vec::new() };
    functions.visit_file(&file);
    functions.findings
}

struct Functions<'s> {
    source: &'s Source,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, end: Span) {
        let first = signature.fn_token.span().start().line;
        let lines = end.end().line - first + 1;
        if lines > FUNCTION_LINES_MAX {
            let what =
                format!("fn {} has {lines} lines; at most {FUNCTION_LINES_MAX} are allowed", signature.ident);
            self.findings.push(Finding::at(self.source, first, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, function.block.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, function.block.span());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block.span());
        }
        visit::visit_trait_item_fn(self, function);
    }
}
