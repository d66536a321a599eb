//! Bounds on what a render may consume, so that hostile charts and values end in an error and not in a dead process.

/// The bounds of one render. The defaults allow every chart known to be published, with a wide margin.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Evaluation steps: template nodes run, list items made, 64-byte blocks of text copied.
    pub steps: u64,
    /// Bytes of output of all templates together.
    pub output_bytes: usize,
    /// Bytes of text and list items alive in one value made by one call, such as `repeat` or `until`.
    pub value_bytes: usize,
    /// Nesting depth of values, of YAML and JSON, and of template syntax.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 400_000_000, output_bytes: 256 << 20, value_bytes: 128 << 20, depth: 10_000 }
    }
}
