//! Flux as data: from the component files of a Flux release and the options of `flux install` to the objects on a cluster.
//!
//! Follows Flux's own generator, `pkg/manifestgen` of fluxcd/flux2, object for object; that generator's answers are
//! recorded by `.ci/flux` and compared with in the acceptance tests. Pure: files come in as bytes, objects go out.
//!
//! 1. [`manifests`] reads what a release ships, one file for each component, or one file generated from them;
//! 2. [`install`] makes the objects of an installation of them, after [`options`];
//! 3. [`sync`] makes the objects that point Flux at its repository, and the Secret that lets it in;
//! 4. [`gotk`] writes the files that `flux bootstrap` commits;
//! 5. [`adopt`] reads the options of an installation back from its objects.

pub mod adopt;
mod error;
pub mod gotk;
pub mod install;
pub mod manifests;
pub mod options;
pub mod sync;

pub use error::FluxError;
