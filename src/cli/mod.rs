//! The `strata` command: one file for each verb, each thin. The only room that prints.

mod explain;
mod inputs;
mod rendering;
mod subject;
mod template;
mod values;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Renders and explains layered Helm releases, without Helm and without a cluster.
#[derive(Debug, Parser)]
#[command(name = "strata", version, disable_help_subcommand = true, args_override_self = true)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Template(Box<template::Arguments>),
    Explain(Box<explain::Arguments>),
    Values(Box<values::Arguments>),
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let result = match Command::parse().verb {
        Verb::Template(arguments) => template::run(&arguments),
        Verb::Explain(arguments) => explain::run(&arguments),
        Verb::Values(arguments) => values::run(&arguments),
    };
    match result {
        Ok(output) => print(&output),
        Err(message) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Writes a result to standard output; a reader that went away is no failure.
fn print(output: &[u8]) -> ExitCode {
    use std::io::Write;
    match std::io::stdout().write_all(output).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("Error: standard output: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
