//! What users write in HCL. Thin: decode, call a room, encode.
//!
//! A new resource, data source or function is one file and one line in the list below; the reference pages follow from
//! its schema.

mod cluster_delivery;
mod configuration;
mod connections;
mod data_sources;
mod diagnostics;
mod functions;
mod guard;
mod layouts;
mod patches;
#[cfg(test)]
mod reference;
mod resources;
mod substitutes;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use helm_engine::Mode;
use tf_provider::async_trait;
use tf_provider::schema::{
    ConfigureRequest, DataSource, Diagnostic, Diagnostics, Function, Path, Provider, Resource, Schema,
    ValidateRequest,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::delivery::cluster::Clusters;
use crate::delivery::git::GitDelivery;
use crate::layers::layout::{LayerFile, Layout, RepositoryAt};
use crate::source::chart::ChartError;
use crate::source::charts::{Charts, Found, Origin};
use crate::source::repositories::{Opened, Repositories};
use crate::source::sops::Sops;
use crate::source::{self, SourceError};
use configuration::Configuration;

/// The provider's address in a registry.
pub const ADDRESS: &str = "registry.terraform.io/stratahq/strata";

/// What every resource shares: the configuration once Terraform has given it, the charts loaded so far, the deliveries.
pub(crate) struct Shared {
    configuration: OnceLock<Configuration>,
    git: OnceLock<GitDelivery>,
    repositories: OnceLock<Repositories>,
    sops: OnceLock<Sops>,
    clusters: Clusters,
    sources: OnceLock<Charts>,
    charts: Mutex<HashMap<Origin, LoadedChart>>,
    agents: resources::agent::shipped::Releases,
    /// Layouts whose files were read ahead, each with a repository and a reference.
    ahead: Mutex<HashSet<(String, String, String)>>,
    rendering: Arc<Semaphore>,
    ledger: guard::Ledger,
}

/// A chart that is loaded once, whoever asks first; the others wait for it.
type LoadedChart = Arc<OnceLock<Result<Found, Diagnostic>>>;

impl Default for Shared {
    fn default() -> Self {
        let renders = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        Shared {
            configuration: OnceLock::new(),
            git: OnceLock::new(),
            repositories: OnceLock::new(),
            sops: OnceLock::new(),
            clusters: Clusters::default(),
            sources: OnceLock::new(),
            charts: Mutex::default(),
            agents: Default::default(),
            ahead: Mutex::default(),
            rendering: Arc::new(Semaphore::new(renders)),
            ledger: guard::Ledger::default(),
        }
    }
}

impl Shared {
    /// Returns the provider's configuration.
    ///
    /// # Errors
    /// When Terraform calls before it configured the provider.
    pub(crate) fn configuration(&self) -> Result<&Configuration, Diagnostics> {
        self.configuration.get().ok_or_else(|| diagnostics::not_configured().into())
    }

    /// Returns the deliveries to git.
    ///
    /// # Errors
    /// As [`Shared::configuration`].
    pub(crate) fn git(&self) -> Result<&GitDelivery, Diagnostics> {
        let configuration = self.configuration()?;
        Ok(self.git.get_or_init(|| GitDelivery::new(configuration.cache().join("git"))))
    }

    /// Returns the API servers that this process speaks with.
    pub(crate) fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// Returns what the releases of the current plan take away.
    pub(crate) fn ledger(&self) -> &guard::Ledger {
        &self.ledger
    }

    /// Waits for a place among the renders that run at once, one for each processor.
    pub(crate) async fn rendering(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.rendering).acquire_owned().await.ok()
    }

    /// Finds and loads a chart; a second call for the same origin returns the same chart. Blocks while it is fetched.
    ///
    /// # Errors
    /// When there is no chart, or it is broken.
    pub(crate) fn chart(&self, origin: &Origin) -> Result<Found, Diagnostic> {
        let sources = self.bundles()?;
        let slot = {
            let mut charts = self.charts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(charts.entry(origin.clone()).or_default())
        };
        slot.get_or_init(|| load_chart(sources, origin)).clone()
    }

    /// Returns what fetches charts and other bundles of files.
    ///
    /// # Errors
    /// As [`Shared::configuration`].
    pub(crate) fn bundles(&self) -> Result<&Charts, Diagnostic> {
        let configuration = self.configuration().map_err(|_| diagnostics::not_configured())?;
        let repositories = self.repositories(configuration).clone();
        Ok(self.sources.get_or_init(|| Charts::new(configuration.places(repositories))))
    }

    /// Returns the repositories that layers and charts are read from.
    fn repositories(&self, configuration: &Configuration) -> &Repositories {
        self.repositories.get_or_init(|| configuration.readable())
    }

    /// Reads a layer's file; nothing where it is absent and may be. Blocks while a repository is fetched.
    ///
    /// # Errors
    /// When the file cannot be read, with what to do about an absent one.
    pub(crate) fn layer(&self, file: &LayerFile) -> Result<Option<LayerText>, Diagnostic> {
        let configuration = self.configuration().map_err(|_| diagnostics::not_configured())?;
        let (name, text) = match &file.repository {
            None => (file.path.clone(), source::file::read(&configuration.resolve(&file.path))),
            Some(at) => {
                let opened = self.repository(at, &file.name)?;
                (opened.name(&file.path), self.repositories(configuration).read(&opened, &file.path))
            }
        };
        match text {
            Ok(text) => Ok(Some(LayerText { name, text })),
            Err(SourceError::Absent { .. }) if file.optional => Ok(None),
            Err(error) => Err(diagnostics::of_layer(&file.name, &name, &error)),
        }
    }

    /// Opens the repository of a layer. Blocks while it is fetched.
    ///
    /// # Errors
    /// When there is no such repository or reference, or it cannot be fetched.
    pub(crate) fn repository(&self, at: &RepositoryAt, layer: &str) -> Result<Opened, Diagnostic> {
        let configuration = self.configuration().map_err(|_| diagnostics::not_configured())?;
        configuration.repository(&at.name)?;
        let reference = at.reference.as_deref().unwrap_or_default();
        let opened = self.repositories(configuration).open(&at.name, reference);
        opened.map_err(|error| diagnostics::of_repository(layer, &at.name, &error))
    }

    /// Returns what decrypts layers.
    ///
    /// # Errors
    /// As [`Shared::configuration`].
    pub(crate) fn sops(&self) -> Result<&Sops, Diagnostic> {
        let configuration = self.configuration().map_err(|_| diagnostics::not_configured())?;
        Ok(self.sops.get_or_init(|| Sops::new(configuration.sops().clone())))
    }

    /// Reads all files of a layout that are in repositories at once; a second call for the same state does nothing.
    pub(crate) fn read_ahead(&self, layout: &Layout, files: &[LayerFile]) {
        let Ok(configuration) = self.configuration() else { return };
        let repositories = self.repositories(configuration);
        for at in files.iter().filter_map(|file| file.repository.as_ref()) {
            let reference = at.reference.clone().unwrap_or_default();
            let key = (layout.name.clone(), at.name.clone(), reference.clone());
            if !self.ahead.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
                continue;
            }
            // What cannot be opened says so when its first file is read.
            if let Ok(opened) = repositories.open(&at.name, &reference) {
                repositories.read_ahead(&opened, |path| layout.reaches(&at.name, path));
            }
        }
    }
}

/// The text of a layer's file.
#[derive(Debug)]
pub(crate) struct LayerText {
    /// The file as a person would open it: `values/web.yaml`, `clusters@v1:values/web.yaml`.
    pub(crate) name: String,
    /// Its content.
    pub(crate) text: Vec<u8>,
}

fn load_chart(sources: &Charts, origin: &Origin) -> Result<Found, Diagnostic> {
    let loaded = sources.load(origin, Mode::Helm4);
    if let Ok(found) = &loaded {
        tracing::info!(chart = found.chart.metadata().name, "loaded a chart");
    }
    loaded.map_err(|error| match &error {
        ChartError::Source(error) => diagnostics::of_source(error).at(place_of(origin, error)),
        ChartError::Broken(reason) => Diagnostic::error(format!("{origin} is no chart"))
            .detail(reason.to_string())
            .hint("a chart is a folder with a Chart.yaml, or a .tgz file of one")
            .at(Path::from("chart")),
    })
}

/// Returns the argument to blame.
fn place_of(origin: &Origin, error: &SourceError) -> Path {
    let name = match (origin, error) {
        (Origin::Verified(..), SourceError::Unverified { .. }) => "verify",
        (Origin::Verified(origin, _), _) => return place_of(origin, error),
        (Origin::Path(_), _) => "path",
        (Origin::Git { .. }, _) => "git",
        (_, SourceError::Unknown { .. }) => "version",
        _ => "repository",
    };
    Path::from("chart").attribute(name)
}

/// Makes the resources, each with what they share.
type MakeResource = fn(&Arc<Shared>) -> Arc<dyn Resource>;

/// Every resource of the provider.
const RESOURCES: &[MakeResource] = &[resources::agent::resource, resources::release::resource];

/// Makes the data sources, each with what they share.
type MakeDataSource = fn(&Arc<Shared>) -> Arc<dyn DataSource>;

/// Every data source of the provider.
const DATA_SOURCES: &[MakeDataSource] = &[
    |shared| Arc::new(data_sources::render::Render::new(Arc::clone(shared))),
    |shared| Arc::new(data_sources::values::Values::new(Arc::clone(shared))),
];

/// Every function of the provider.
const FUNCTIONS: &[fn() -> Arc<dyn Function>] = &[
    || Arc::new(functions::diff_manifests::DiffManifests),
    || Arc::new(functions::merge_values::MergeValues),
    || Arc::new(functions::parse_manifests::ParseManifests),
];

/// The provider `strata`.
#[derive(Default)]
pub struct Strata {
    shared: Arc<Shared>,
}

#[async_trait]
impl Provider for Strata {
    fn address(&self) -> &str {
        ADDRESS
    }

    fn schema(&self) -> Schema {
        configuration::schema()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        RESOURCES.iter().map(|make| make(&self.shared)).collect()
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        DATA_SOURCES.iter().map(|make| make(&self.shared)).collect()
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        FUNCTIONS.iter().map(|make| make()).collect()
    }

    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        configuration::validate(&request.config)
    }

    async fn configure(&self, request: ConfigureRequest) -> Result<Diagnostics, Diagnostics> {
        let configuration = Configuration::read(&request.config)?;
        let warnings = configuration.warnings();
        // A second configuration of the same process would be the same one.
        let _ = self.shared.configuration.set(configuration);
        self.shared.ledger.clear();
        self.shared.clusters.claims.clear();
        Ok(warnings)
    }
}
