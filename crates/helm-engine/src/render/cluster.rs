//! `.Capabilities`: the cluster as templates see it.

use std::rc::Rc;

use super::values::Marking;
use crate::Mode;
use crate::capabilities::{API_VERSIONS, KubeVersion};
use crate::context::Context;
use crate::error::CallError;
use crate::functions::Param;
use crate::trace::{Mark, Marks};
use crate::value::{Data, ElementType, FieldNames, List, Object, Value};

/// Makes `.Capabilities`.
pub(super) fn capabilities(
    version: &KubeVersion,
    more_versions: &[String],
    mode: Mode,
    marking: Marking,
) -> Value {
    let fact = |name: &str| match marking {
        Marking::On => Marks::one(Mark::Fact(format!("Capabilities.{name}").into())),
        Marking::Off => Marks::NONE,
    };
    let known = API_VERSIONS.iter().copied().chain(more_versions.iter().map(String::as_str));
    let versions = known.map(|version| Value::from(version).marked(fact("APIVersions"))).collect();
    let versions = Value::from(Data::List(List::typed(ElementType::VersionSet, versions)));
    let kube = KubeVersionObject { version: version.clone(), mode, marks: fact("KubeVersion") };
    Value::object(CapabilitiesObject {
        kube_version: Value::object(kube).marked(fact("KubeVersion")),
        api_versions: versions.marked(fact("APIVersions")),
        helm_version: Value::object(HelmVersionObject { mode }),
        mode,
    })
}

struct CapabilitiesObject {
    kube_version: Value,
    api_versions: Value,
    helm_version: Value,
    mode: Mode,
}

impl Object for CapabilitiesObject {
    fn type_name(&self) -> &str {
        if self.mode == Mode::Helm3 { "*chartutil.Capabilities" } else { "*common.Capabilities" }
    }

    fn kind(&self) -> &str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(self.kube_version.clone()),
            "APIVersions" => Some(self.api_versions.clone()),
            "HelmVersion" => Some(self.helm_version.clone()),
            _ => None,
        }
    }

    fn print(&self) -> String {
        let text = |value: &Value| match &value.data {
            Data::Text(text) => Some(text.to_str_lossy().into_owned()),
            _ => None,
        };
        let print = |value: &Value| match &value.data {
            Data::Object(object) => object.print(),
            Data::List(list) => {
                let items: Vec<_> = list.items().iter().filter_map(text).collect();
                format!("[{}]", items.join(" "))
            }
            _ => String::new(),
        };
        format!(
            "&{{{} {} {}}}",
            print(&self.kube_version),
            print(&self.api_versions),
            print(&self.helm_version)
        )
    }

    fn fields_to_print(&self) -> Option<Vec<(&'static str, Value)>> {
        let names = ["KubeVersion", "APIVersions", "HelmVersion"];
        Some(names.into_iter().filter_map(|name| Some((name, self.field(name)?))).collect())
    }

    fn deep_copy(&self) -> Option<Value> {
        let kube_version = match &self.kube_version.data {
            Data::Object(object) => object.deep_copy()?.marked(self.kube_version.marks),
            _ => return None,
        };
        Some(Value::object(CapabilitiesObject {
            kube_version,
            api_versions: self.api_versions.clone(),
            helm_version: self.helm_version.clone(),
            mode: self.mode,
        }))
    }

    fn to_plain(&self) -> Value {
        Value::map(self.fields_in_order(FieldNames::Json).into_iter().flatten().collect())
    }

    fn fields_in_order(&self, names: FieldNames) -> Option<Vec<(Rc<[u8]>, Value)>> {
        in_order(&["KubeVersion", "APIVersions", "HelmVersion"], names, |name| self.field(name))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Returns the fields whose JSON names are Go's.
fn in_order(
    go_names: &[&str],
    names: FieldNames,
    value: impl Fn(&str) -> Option<Value>,
) -> Option<Vec<(Rc<[u8]>, Value)>> {
    let spelled = |name: &str| match names {
        FieldNames::Json | FieldNames::Go => Rc::from(name.as_bytes()),
        FieldNames::Lower => Rc::from(name.to_ascii_lowercase().as_bytes()),
    };
    Some(go_names.iter().filter_map(|name| Some((spelled(name), value(name)?))).collect())
}

struct KubeVersionObject {
    version: KubeVersion,
    mode: Mode,
    marks: Marks,
}

impl Object for KubeVersionObject {
    fn type_name(&self) -> &str {
        if self.mode == Mode::Helm3 { "chartutil.KubeVersion" } else { "common.KubeVersion" }
    }

    fn field(&self, name: &str) -> Option<Value> {
        let text = match name {
            "Version" => &self.version.version,
            "Major" => &self.version.major,
            "Minor" => &self.version.minor,
            _ => return None,
        };
        Some(Value::from(text.as_str()).marked(self.marks))
    }

    fn method(&self, name: &str) -> Option<&'static [Param]> {
        matches!(name, "GitVersion" | "String").then_some(&[])
    }

    fn call(
        &self,
        name: &str,
        _args: &[Value],
        _context: &mut Context<'_>,
    ) -> Option<Result<Value, CallError>> {
        let text = match name {
            "GitVersion" => &self.version.version,
            "String" => &self.version.normalized,
            _ => return None,
        };
        Some(Ok(Value::from(text.as_str()).marked(self.marks)))
    }

    fn print(&self) -> String {
        let KubeVersion { version, major, minor, .. } = &self.version;
        match self.mode {
            Mode::Helm3 => format!("{{{version} {major} {minor}}}"),
            Mode::Helm4 => format!("{{{version} {} {major} {minor}}}", self.version.normalized),
        }
    }

    fn print_in_place(&self) -> String {
        self.version.normalized.clone()
    }

    fn fields_to_print(&self) -> Option<Vec<(&'static str, Value)>> {
        let text = |text: &String| Value::from(text.as_str()).marked(self.marks);
        let KubeVersion { version, normalized, major, minor, .. } = &self.version;
        let mut fields = vec![("Version", text(version))];
        if self.mode == Mode::Helm4 {
            fields.push(("normalizedVersion", text(normalized)));
        }
        fields.extend([("Major", text(major)), ("Minor", text(minor))]);
        Some(fields)
    }

    fn deep_copy(&self) -> Option<Value> {
        let version = KubeVersion { normalized: String::new(), ..self.version.clone() };
        let copy = KubeVersionObject { version, mode: self.mode, marks: self.marks };
        (self.mode == Mode::Helm4).then(|| Value::object(copy))
    }

    fn to_plain(&self) -> Value {
        Value::map(self.fields_in_order(FieldNames::Json).into_iter().flatten().collect())
    }

    fn fields_in_order(&self, names: FieldNames) -> Option<Vec<(Rc<[u8]>, Value)>> {
        in_order(&["Version", "Major", "Minor"], names, |name| self.field(name))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// What Helm says of its own build: a module build, without a commit.
struct HelmVersionObject {
    mode: Mode,
}

impl HelmVersionObject {
    const GO: &str = "go1.26.8";

    fn version(&self) -> &'static str {
        if self.mode == Mode::Helm3 { "v3.22" } else { "v4.3" }
    }
}

impl Object for HelmVersionObject {
    fn type_name(&self) -> &str {
        "version.BuildInfo"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(self.version().into()),
            "GitCommit" | "GitTreeState" => Some("".into()),
            "GoVersion" => Some(Self::GO.into()),
            "KubeClientVersion" if self.mode == Mode::Helm4 => Some("v1.37".into()),
            _ => None,
        }
    }

    fn print(&self) -> String {
        let client = if self.mode == Mode::Helm4 { " v1.37" } else { "" };
        format!("{{{}   {}{client}}}", self.version(), Self::GO)
    }

    fn fields_to_print(&self) -> Option<Vec<(&'static str, Value)>> {
        let names = ["Version", "GitCommit", "GitTreeState", "GoVersion", "KubeClientVersion"];
        Some(names.into_iter().filter_map(|name| Some((name, self.field(name)?))).collect())
    }

    fn to_plain(&self) -> Value {
        Value::map(self.fields_in_order(FieldNames::Json).into_iter().flatten().collect())
    }

    fn fields_in_order(&self, names: FieldNames) -> Option<Vec<(Rc<[u8]>, Value)>> {
        if names == FieldNames::Json {
            let names = [
                ("version", "Version"),
                ("go_version", "GoVersion"),
                ("kube_client_version", "KubeClientVersion"),
            ];
            let fields =
                names.iter().filter_map(|(json, go)| Some((Rc::from(json.as_bytes()), self.field(go)?)));
            return Some(fields.collect());
        }
        let go_names = ["Version", "GitCommit", "GitTreeState", "GoVersion", "KubeClientVersion"];
        in_order(&go_names, names, |name| self.field(name))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
