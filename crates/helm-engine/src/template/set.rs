//! A set of templates that can call each other by name, and its execution.
//!
//! Follows `text/template` (what redefines what) and Helm's engine (how errors are shown). Which files there are and in
//! which order is the chart's business.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Source, Tree};
use super::eval::{Evaluator, Origin, parse_failure};
use super::parser;
use crate::context::{Context, Mode};
use crate::error::TemplateError;
use crate::trace::Marks;
use crate::value::{Text, Value};

/// A file to parse.
#[derive(Clone, Debug)]
pub struct TemplateFile {
    /// The name, such as `chart/templates/deployment.yaml`.
    pub name: Arc<str>,
    /// The content; it need not be UTF-8.
    pub text: Arc<[u8]>,
}

/// Parsed templates; immutable and shared between renders.
pub struct TemplateSet {
    mode: Mode,
    trees: HashMap<Arc<[u8]>, Arc<Tree>>,
}

/// What the execution of a template gives.
#[derive(Clone, Default)]
pub struct Rendered {
    /// The output, with segments in a fully traced render.
    pub text: Text,
    /// What was read, in a traced render: values, shapes, facts and files.
    pub reads: Marks,
    /// What conditions and loops were decided by, in a traced render.
    pub tested: Marks,
    /// The templates that ran, by name and in byte order, in a traced render.
    pub visited: Vec<Arc<[u8]>>,
    /// Which place of the file printed what; empty unless the context keeps it.
    pub(crate) origins: Vec<Origin>,
}

impl TemplateSet {
    /// Parses files in the order given: where two define the same name, the later one wins unless it is empty.
    ///
    /// # Errors
    /// Helm's `parse error at (FILE:LINE): …`.
    pub fn parse(mode: Mode, files: impl IntoIterator<Item = TemplateFile>) -> Result<Self, TemplateError> {
        let mut set = TemplateSet { mode, trees: HashMap::new() };
        for file in files {
            let source = Source { name: file.name, text: file.text };
            let trees = parser::parse(&source.name, Arc::clone(&source.text), mode);
            set.add(trees.map_err(|text| parse_failure(&source, &text))?);
        }
        Ok(set)
    }

    fn add(&mut self, trees: Vec<Tree>) {
        for tree in trees {
            let keeps = tree.is_empty && self.trees.contains_key(&tree.name);
            if !keeps {
                self.trees.insert(Arc::clone(&tree.name), Arc::new(tree));
            }
        }
    }

    /// Says whether a template of that name exists.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.trees.contains_key(name)
    }

    /// Runs a template with `root` as its dot, and deletes every `<no value>` from the output, as Helm does.
    ///
    /// # Errors
    /// Helm's text of what went wrong, with the places.
    pub fn execute(
        &self,
        name: &str,
        root: Value,
        context: &mut Context<'_>,
    ) -> Result<Rendered, TemplateError> {
        let mode = self.mode;
        Evaluator::new(context).run(&Scope::base(self), name, root).map_err(|failure| failure.finish(mode))
    }
}

/// The templates that can be seen from a place: those of the chart, and those that texts given to `tpl` define.
pub(crate) struct Scope<'s> {
    outer: Option<&'s Scope<'s>>,
    base: &'s TemplateSet,
    own: &'s [Arc<Tree>],
}

impl<'s> Scope<'s> {
    fn base(base: &'s TemplateSet) -> Self {
        Scope { outer: None, base, own: &[] }
    }

    /// Adds the templates that a text defines, for as long as it runs.
    pub(crate) fn with<'i>(&'i self, own: &'i [Arc<Tree>]) -> Scope<'i> {
        Scope { outer: Some(self), base: self.base, own }
    }

    /// Returns the mode that the templates are parsed in.
    pub(crate) fn mode(&self) -> Mode {
        self.base.mode
    }

    /// Finds a template by name.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Tree> {
        let mut emptied = None;
        let mut scope = Some(self);
        while let Some(current) = scope {
            for tree in current.own.iter().filter(|tree| *tree.name == *name) {
                // An empty definition does not replace another one.
                if !tree.is_empty {
                    return Some(tree);
                }
                emptied = emptied.or(Some(&**tree));
            }
            scope = current.outer;
        }
        self.base.trees.get(name).map(|tree| &**tree).or(emptied)
    }
}
