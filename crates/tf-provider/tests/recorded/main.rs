//! Replays what a real Terraform asked, message by message, and compares with what it accepted.
//!
//! `terraform-1.11.4/` holds the requests of one life of the resource in `everything.rs`, as they came over the
//! wire: plan with unknown values (refined ones among them), the second plan inside apply, apply, refresh, a
//! plan without changes, destroy. Terraform accepted each answer, ended with an empty plan, and so the answers
//! are known to be right where this test compares them with the next request.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod everything;
#[path = "../session/harness.rs"]
#[allow(dead_code)]
mod harness;

use std::path::Path;

use everything::Everything;
use harness::{Session, start};
use prost::Message;
use tf_provider::protocol::tfplugin5::{self as proto, DynamicValue};

fn recorded<M: Message + Default>(name: &str) -> M {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/terraform-1.11.4");
    let bytes = std::fs::read(folder.join(format!("{name}.binpb"))).unwrap();
    M::decode(bytes.as_slice()).unwrap()
}

fn bytes(value: &Option<DynamicValue>) -> Vec<u8> {
    value.as_ref().unwrap().msgpack.to_vec()
}

/// Sorts the bytes: Terraform writes attributes by name and sets in its own order, we as the schema declares.
fn sorted(value: &Option<DynamicValue>) -> Vec<u8> {
    let mut bytes = bytes(value);
    bytes.sort_unstable();
    bytes
}

async fn session() -> Session {
    let mut session = start(Everything).await;
    let answer =
        session.client.configure(recorded::<proto::configure::Request>("01-configure")).await.unwrap();
    assert_eq!(answer.into_inner().diagnostics, []);
    session
}

#[tokio::test]
async fn validates_a_configuration_full_of_unknowns() {
    let request: proto::validate_resource_type_config::Request = recorded("02-validate-unknown");
    let answer = session().await.client.validate_resource_type_config(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
}

#[tokio::test]
async fn plans_a_create_before_and_inside_apply() {
    let mut session = session().await;
    let request: proto::plan_resource_change::Request = recorded("03-plan-create-unknown");
    let early = session.client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!(early.diagnostics, []);
    let unknowns = |value| bytes(value).windows(3).filter(|bytes| *bytes == [0xd4, 0, 0]).count();
    let request: proto::plan_resource_change::Request = recorded("04-plan-create-known");
    let late = session.client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!(late.diagnostics, []);
    assert!(unknowns(&early.planned_state) > unknowns(&late.planned_state));
    // The planned state that Terraform handed to apply is the one that we answer.
    let request: proto::apply_resource_change::Request = recorded("05-apply-create");
    assert_eq!(sorted(&late.planned_state), sorted(&request.planned_state));
}

#[tokio::test]
async fn creates_and_reads_what_terraform_stored() {
    let mut session = session().await;
    let request: proto::apply_resource_change::Request = recorded("05-apply-create");
    let created = session.client.apply_resource_change(request).await.unwrap().into_inner();
    assert_eq!(created.diagnostics, []);
    let request: proto::read_resource::Request = recorded("07-read");
    assert_eq!(request.private, created.private);
    let state = sorted(&request.current_state);
    assert_eq!(state, sorted(&created.new_state));
    let read = session.client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(sorted(&read.new_state), state, "no drift");
}

#[tokio::test]
async fn a_plan_without_changes_is_the_prior_state() {
    let request: proto::plan_resource_change::Request = recorded("08-plan-unchanged");
    let prior = sorted(&request.prior_state);
    let answer = session().await.client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
    assert_eq!(answer.requires_replace, []);
    assert_eq!(sorted(&answer.planned_state), prior);
}

#[tokio::test]
async fn stored_state_is_the_same_state_in_another_form() {
    let mut session = session().await;
    let request: proto::upgrade_resource_state::Request = recorded("06-upgrade");
    let upgraded = session.client.upgrade_resource_state(request).await.unwrap().into_inner();
    assert_eq!(upgraded.diagnostics, []);
    // JSON writes numbers and sets in another way; a difference in meaning would make the plan a change, and
    // computed attributes unknown.
    let mut request: proto::plan_resource_change::Request = recorded("08-plan-unchanged");
    let unchanged = sorted(&request.prior_state);
    request.prior_state = upgraded.upgraded_state;
    let answer = session.client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!(sorted(&answer.planned_state), unchanged);
}

#[tokio::test]
async fn plans_and_applies_a_destroy() {
    let mut session = session().await;
    let request: proto::plan_resource_change::Request = recorded("09-plan-destroy");
    let planned = session.client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!((bytes(&planned.planned_state), planned.diagnostics), (vec![0xc0], Vec::new()));
    let request: proto::apply_resource_change::Request = recorded("10-apply-destroy");
    let applied = session.client.apply_resource_change(request).await.unwrap().into_inner();
    assert_eq!((bytes(&applied.new_state), applied.diagnostics), (vec![0xc0], Vec::new()));
}
