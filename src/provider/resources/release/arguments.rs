//! A `strata_release` block, decoded.
//!
//! Everything here reads configuration, plan and state alike: all three have the block's shape.

use std::collections::BTreeMap;

use tf_provider::schema::{Object, Value};

use super::super::super::cluster_delivery::Settings;
use super::super::super::patches;
use super::super::objects::deletions::Holder;
use super::super::objects::git::Folder;
use super::{formats, hcl};
use crate::delivery::{Existing, Owner, OwnerKind};
use crate::layers::layout::RepositoryAt;
use crate::manifest::patch::Written;
use crate::release::formats::Format;
use crate::release::objects;
use crate::release::record::{ChartRecord, GitChartRecord, LayerRecord, VerifyRecord};

/// What a user wrote, or a state holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    /// Name of the release.
    pub(super) name: String,
    /// Its namespace.
    pub(super) namespace: String,
    /// The cluster's name.
    pub(super) cluster: String,
    /// Where the chart is.
    pub(super) chart: ChartRecord,
    /// Name of the layout that comes before the layers.
    pub(super) layout: Option<String>,
    /// What captures of the layout stand for, where the release says so.
    pub(super) captures: BTreeMap<String, String>,
    /// Layers, lowest first.
    pub(super) layers: Vec<Layer>,
    /// Values above all layers that only the configuration holds.
    pub(super) sensitive_values: Value,
    /// What says that those values changed, where the user counts.
    pub(super) sensitive_values_version: Option<String>,
    /// The release's own Kubernetes version.
    pub(super) kube_version: Option<String>,
    /// The release's own API versions.
    pub(super) api_versions: Vec<String>,
    /// What happens to CRDs.
    pub(super) crds: String,
    /// Whether hooks are delivered as objects.
    pub(super) includes_hooks: bool,
    /// Whether hooks are run.
    pub(super) runs_hooks: bool,
    /// Whether the state holds fields, not digests.
    pub(super) full_detail: bool,
    /// Whether the layers are looked at for what is wrong.
    pub(super) lint: Lint,
    /// Kinds or keys of objects that take others along and may be deleted all the same.
    pub(super) allow_deletion_of: Vec<String>,
    /// What changes the rendered objects, in this order.
    pub(super) patches: Vec<Written>,
    /// Where in git the objects go.
    pub(super) delivery: Option<GitDelivery>,
    /// How the objects go straight to the cluster.
    pub(super) in_cluster: Option<Settings>,
}

/// What becomes of things in the layers that look wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lint {
    /// Nobody looks.
    #[default]
    Off,
    /// They are warnings.
    Warn,
    /// They are errors.
    Error,
}

impl Lint {
    fn read(written: Option<&str>) -> Self {
        match written {
            Some("warn") => Lint::Warn,
            Some("error") => Lint::Error,
            _ => Lint::Off,
        }
    }
}

/// One `layer` block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    /// Its name.
    pub(super) name: String,
    /// Where its values are.
    pub(super) source: LayerSource,
    /// Whether its values must not be seen.
    pub(super) sensitive: Option<bool>,
    /// Whether fields made of its values stand in `late`, where the block says so.
    pub(super) late: Option<bool>,
}

/// What the layer of the sensitive values is called.
pub(super) const SENSITIVE_VALUES: &str = "sensitive_values";

/// Where a layer's values are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LayerSource {
    /// In a file that may be absent if `optional`.
    File {
        /// Path of the file.
        path: String,
        /// Whether it may be absent, where the block says so.
        optional: Option<bool>,
        /// The repository that it is in; none for the provider's `root`.
        repository: Option<RepositoryAt>,
    },
    /// In the block itself, as YAML.
    Text(String),
    /// In the block itself, as an object.
    Object(Value),
}

/// A `delivery { git { … } }` block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GitDelivery {
    /// Name of the repository.
    pub(super) repository: String,
    /// Folder in it.
    pub(super) path: String,
    /// Whether values of sensitive layers may be committed in the clear.
    pub(super) plain_secrets: bool,
    /// In which form.
    pub(super) format: Format,
}

impl Arguments {
    /// Decodes a block in which everything that is read here is known.
    pub(super) fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).unwrap_or_default().to_owned();
        let strings =
            |name: &str| -> Vec<String> { block.strings(name).into_iter().map(str::to_owned).collect() };
        let delivery = |place: &str| block.block("delivery").and_then(|delivery| delivery.block(place));
        Arguments {
            name: text("name"),
            namespace: block.string("namespace").unwrap_or("default").to_owned(),
            cluster: text("cluster"),
            chart: block.block("chart").map(read_chart).unwrap_or_default(),
            layout: block.string("layout").map(str::to_owned),
            captures: block
                .string_map("captures")
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            layers: block.blocks("layer").into_iter().map(Layer::read).collect(),
            sensitive_values: Value::Null,
            sensitive_values_version: block.string("sensitive_values_version").map(str::to_owned),
            kube_version: block.string("kube_version").map(str::to_owned),
            api_versions: strings("api_versions"),
            crds: block.string("crds").unwrap_or(super::schema::CRDS[0]).to_owned(),
            includes_hooks: block.string("hooks") == Some("include"),
            runs_hooks: block.string("hooks") == Some("run"),
            full_detail: block.string("plan_detail") != Some("summary"),
            lint: Lint::read(block.string("lint")),
            allow_deletion_of: strings("allow_deletion_of"),
            patches: patches::read(block),
            delivery: delivery("git").map(GitDelivery::read),
            in_cluster: delivery("cluster").map(Settings::read),
        }
    }

    /// Adds what only the configuration holds.
    pub(super) fn with_secrets_of(mut self, config: &Object) -> Self {
        self.sensitive_values = config.get(SENSITIVE_VALUES).clone();
        self
    }

    /// Shows everything where it belongs: Terraform reads a data source when all of its configuration is known.
    pub(super) fn without_late(mut self) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.late = Some(false));
        self
    }

    /// Names the folder in git that the objects go to.
    pub(super) fn folder(&self) -> Option<Folder> {
        let git = self.delivery.as_ref()?;
        let owner = Owner {
            kind: OwnerKind::Release,
            cluster: self.cluster.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        };
        Some(Folder { place: (git.repository.clone(), git.path.clone()), owner, existing: Existing::Refuse })
    }

    /// Names the release for people: `shop/web on prod-eu`.
    pub(super) fn title(&self) -> String {
        format!("{}/{} on {}", self.namespace, self.name, self.cluster)
    }

    /// Says whose objects these are, for what a plan may delete and what a delivery tells.
    pub(super) fn holder(&self) -> Holder {
        Holder {
            title: format!("release {}", self.title()),
            cluster: self.cluster.clone(),
            allow_deletion_of: self.allow_deletion_of.clone(),
        }
    }
}

fn read_chart(block: &Object) -> ChartRecord {
    let text = |name: &str| block.string(name).map(str::to_owned);
    ChartRecord {
        path: text("path"),
        repository: text("repository"),
        name: text("name"),
        version: text("version"),
        git: block.block("git").map(|git| GitChartRecord {
            repository: git.string("repository").unwrap_or_default().to_owned(),
            reference: git.string("ref").map(str::to_owned),
            path: git.string("path").unwrap_or_default().to_owned(),
        }),
        verify: block.block("verify").map(|verify| {
            let text = |name: &str| verify.string(name).map(str::to_owned);
            VerifyRecord {
                keyring: text("keyring"),
                keyring_file: text("keyring_file"),
                cosign_key: text("cosign_key"),
            }
        }),
    }
}

impl Layer {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).map(str::to_owned);
        let source = match (text("file"), block.get("values")) {
            (Some(path), _) => {
                let reference = text("ref");
                let repository = text("repository").map(|name| RepositoryAt { name, reference });
                LayerSource::File { path, optional: block.bool("optional"), repository }
            }
            (None, values) => LayerSource::read(values),
        };
        Layer {
            name: text("name").unwrap_or_default(),
            source,
            sensitive: block.bool("sensitive"),
            late: block.bool("late"),
        }
    }

    /// Tells whether fields made of the layer's values stand in `late`.
    pub(super) fn is_late(&self) -> bool {
        self.late.unwrap_or(matches!(self.source, LayerSource::Object(_)))
    }

    /// Returns what is written down of the layer beside the delivered objects.
    pub(super) fn to_record(&self) -> LayerRecord {
        let record = LayerRecord {
            name: self.name.clone(),
            sensitive: self.sensitive,
            late: self.late,
            ..LayerRecord::default()
        };
        match &self.source {
            LayerSource::File { path, optional, repository } => LayerRecord {
                file: Some(path.clone()),
                optional: *optional,
                repository: repository.as_ref().map(|at| at.name.clone()),
                reference: repository.as_ref().and_then(|at| at.reference.clone()),
                ..record
            },
            // What must not be seen is not written down where everybody reads.
            _ if self.sensitive == Some(true) => record,
            LayerSource::Text(text) => LayerRecord { values: Some(text.as_str().into()), ..record },
            LayerSource::Object(value) => {
                LayerRecord { values: Some(objects::to_json(&hcl::node(value))), ..record }
            }
        }
    }
}

impl LayerSource {
    /// Reads values given in place: an object, or text.
    pub(super) fn read(values: &Value) -> Self {
        match values.as_str() {
            Some(text) => LayerSource::Text(text.to_owned()),
            None if values.is_null() => LayerSource::Text(String::new()),
            None => LayerSource::Object(values.clone()),
        }
    }
}

impl GitDelivery {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).unwrap_or_default().to_owned();
        GitDelivery {
            repository: text("repository"),
            path: text("path"),
            plain_secrets: block.bool("plain_secrets") == Some(true),
            format: formats::read(block),
        }
    }
}
