//! The lexer and parser of templates: any bytes are a template or a refusal, in time linear to their number.
#![no_main]

use std::sync::Arc;

use helm_engine::Mode;
use helm_engine::template::{TemplateFile, TemplateSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for mode in [Mode::Helm3, Mode::Helm4] {
        let file = TemplateFile { name: Arc::from("c/templates/t"), text: Arc::from(bytes) };
        let _ = TemplateSet::parse(mode, [file]);
    }
});
