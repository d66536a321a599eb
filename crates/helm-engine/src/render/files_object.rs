//! `.Files`: the files of a chart that are neither templates nor metadata.
//!
//! A named map with methods in Go. Here the contents stay where they were loaded until a template asks for one.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::values::Marking;
use crate::chart::{ChartFile, base_name, glob::Glob};
use crate::context::Context;
use crate::error::CallError;
use crate::functions::Param;
use crate::trace::{Mark, Marks, Trace};
use crate::value::{Data, Entries, Map, MapType, Object, Text, Value};

/// The files of a chart, or those of them that a pattern matched.
pub(crate) struct FilesObject {
    files: BTreeMap<Arc<str>, Arc<[u8]>>,
    /// The chart's full path, which marks name files by.
    chart: Rc<str>,
    marking: Marking,
}

impl FilesObject {
    pub(super) fn new(chart: &str, files: &[ChartFile], marking: Marking) -> Self {
        let files = files.iter().map(|file| (Arc::clone(&file.name), Arc::clone(&file.data)));
        FilesObject { files: files.collect(), chart: chart.into(), marking }
    }

    fn content(&self, name: &[u8]) -> &[u8] {
        std::str::from_utf8(name)
            .ok()
            .and_then(|name| self.files.get(name))
            .map(|data| &**data)
            .unwrap_or_default()
    }

    fn marks(&self, name: &str) -> Marks {
        match self.marking {
            Marking::On => Marks::one(Mark::File(format!("{}/{name}", self.chart).into())),
            Marking::Off => Marks::NONE,
        }
    }

    fn glob(&self, pattern: &str) -> FilesObject {
        let glob = Glob::new(pattern);
        let files = self.files.iter().filter(|(name, _)| glob.matches(name));
        let files = files.map(|(name, data)| (Arc::clone(name), Arc::clone(data))).collect();
        FilesObject { files, chart: Rc::clone(&self.chart), marking: self.marking }
    }

    fn lines(&self, name: &[u8]) -> Value {
        let content = self.content(name);
        if content.is_empty() {
            return Value::strings(Vec::<Vec<u8>>::new());
        }
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        Value::strings(content.split(|byte| *byte == b'\n'))
    }

    /// Writes the files as the `data` of a ConfigMap or Secret, by base name; of equal names the last wins.
    fn as_yaml(&self, trace: Trace, encode: impl Fn(&[u8]) -> Vec<u8>) -> Value {
        let entries = self.files.iter().map(|(name, data)| {
            let value = Value::text(encode(data)).marked(self.marks(name));
            (Rc::from(base_name(name).as_bytes()), value)
        });
        let map = Data::Map(Map::typed(MapType::String, entries.collect())).into();
        crate::yaml::to_yaml(&map, trace).unwrap_or_default().into()
    }

    fn all_marks(&self) -> Marks {
        self.files.keys().fold(Marks::NONE, |all, name| all.union(self.marks(name)))
    }
}

impl Object for FilesObject {
    fn type_name(&self) -> &str {
        "engine.files"
    }

    fn kind(&self) -> &str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        let data = self.files.get(name)?;
        Some(Value::from(Data::Bytes(Text::new(&**data))).marked(self.marks(name)))
    }

    fn method(&self, name: &str) -> Option<&'static [Param]> {
        match name {
            "Get" | "GetBytes" | "Lines" | "Glob" => Some(&[Param::String]),
            "AsConfig" | "AsSecrets" => Some(&[]),
            _ => None,
        }
    }

    fn call(
        &self,
        name: &str,
        args: &[Value],
        context: &mut Context<'_>,
    ) -> Option<Result<Value, CallError>> {
        let text = |index: usize| match args.get(index).map(|value| &value.data) {
            Some(Data::Text(text)) => text.bytes().to_vec(),
            _ => Vec::new(),
        };
        let of_file = |value: Value| value.marked(self.marks(&String::from_utf8_lossy(&text(0))));
        Some(Ok(match name {
            "Get" => of_file(Value::text(self.content(&text(0)))),
            "GetBytes" => of_file(Data::Bytes(Text::new(self.content(&text(0)))).into()),
            "Lines" => of_file(self.lines(&text(0))),
            "Glob" => Value::object(self.glob(&String::from_utf8_lossy(&text(0)))),
            "AsConfig" => self.as_yaml(context.trace, <[u8]>::to_vec),
            "AsSecrets" => self.as_yaml(context.trace, |data| STANDARD.encode(data).into_bytes()),
            _ => return None,
        }))
    }

    fn print(&self) -> String {
        let entries: Vec<String> = self
            .files
            .iter()
            .map(|(name, data)| {
                let bytes: Vec<String> = data.iter().map(u8::to_string).collect();
                format!("{name}:[{}]", bytes.join(" "))
            })
            .collect();
        format!("map[{}]", entries.join(" "))
    }

    fn to_plain(&self) -> Value {
        let entries: Entries = self
            .files
            .keys()
            .filter_map(|name| Some((Rc::from(name.as_bytes()), self.field(name)?)))
            .collect();
        Value::from(Data::Map(Map::typed(MapType::Files, entries))).marked(self.all_marks())
    }

    fn is_true(&self) -> bool {
        !self.files.is_empty()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
