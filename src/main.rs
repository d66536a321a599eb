//! The provider: Terraform starts it. Everything it does is in the library.

use std::process::ExitCode;

use strata::provider::Strata;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None if tf_provider::is_started_by_terraform() => tf_provider::serve(Strata::default()),
        Some("--debug") => tf_provider::serve_as(tf_provider::Mode::Debug, Strata::default()),
        _ => {
            eprintln!(
                "This is strata's Terraform provider; Terraform and OpenTofu start it themselves.\n\
                 `--debug` starts it for a debugger, and `strata` is the command for people."
            );
            ExitCode::FAILURE
        }
    }
}
