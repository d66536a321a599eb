//! The command-line tool: people and CI start it. Everything it does is in the library.

fn main() -> std::process::ExitCode {
    strata::cli::run()
}
