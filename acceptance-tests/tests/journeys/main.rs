//! User journeys and the behaviour of real peers, one module each.

mod git_bare;
mod git_http;
mod git_ssh;
