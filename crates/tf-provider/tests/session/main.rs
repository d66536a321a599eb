//! Whole sessions between a host and a provider, over a real socket with mutual TLS.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod harness;
mod zoo;

use std::time::Duration;

use harness::{HostIdentity, Session, start, start_for};
use prost::bytes::Bytes;
use tf_provider::protocol::go_plugin::Empty;
use tf_provider::protocol::go_plugin::grpc_controller_client::GrpcControllerClient;
use tf_provider::protocol::go_plugin::grpc_stdio_client::GrpcStdioClient;
use tf_provider::protocol::health::HealthCheckRequest;
use tf_provider::protocol::health::health_client::HealthClient;
use tf_provider::protocol::tfplugin5::{self as proto, DynamicValue};
use tf_provider::schema::{Object, RawState, Resource as _, Value};
use zoo::Zoo;

/// A value as old clients send it; the provider answers in msgpack.
fn json(text: &str) -> Option<DynamicValue> {
    Some(DynamicValue { json: Bytes::copy_from_slice(text.as_bytes()), ..DynamicValue::default() })
}

fn identity(text: &str) -> Option<proto::ResourceIdentityData> {
    Some(proto::ResourceIdentityData { identity_data: json(text) })
}

fn animal(id: &str, mood: &str) -> String {
    format!(r#"{{"id":{id},"name":"Leo","mood":"{mood}","secret":null,"food":[]}}"#)
}

/// Looks at diagnostics as `severity summary (path)`.
fn told(diagnostics: &[proto::Diagnostic]) -> Vec<String> {
    let step =
        |step: &proto::attribute_path::Step| format!("{:?}", step.selector.clone().expect("a selector"));
    let told = diagnostics.iter().map(|diagnostic| {
        let path = diagnostic.attribute.iter().flat_map(|path| &path.steps).map(step);
        format!("{:?} {} ({})", diagnostic.severity(), diagnostic.summary, path.collect::<Vec<_>>().join(" "))
    });
    told.collect()
}

/// Reads a msgpack answer: the names in it, enough to see what came back.
fn text(value: &Option<DynamicValue>) -> String {
    let bytes = value.as_ref().map(|value| value.msgpack.clone()).unwrap_or_default();
    bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect()
}

fn is_null(value: &Option<DynamicValue>) -> bool {
    value.as_ref().is_none_or(|value| value.msgpack.as_ref() == [0xc0])
}

async fn plan(session: &mut Session, prior: &str, config: &str) -> proto::plan_resource_change::Response {
    let request = proto::plan_resource_change::Request {
        type_name: "zoo_animal".to_owned(),
        prior_state: json(prior),
        proposed_new_state: json(config),
        config: json(config),
        prior_private: b"before".to_vec(),
        ..Default::default()
    };
    session.client.plan_resource_change(request).await.expect("an answer").into_inner()
}

async fn apply(session: &mut Session, prior: &str, planned: &str) -> proto::apply_resource_change::Response {
    let request = proto::apply_resource_change::Request {
        type_name: "zoo_animal".to_owned(),
        prior_state: json(prior),
        planned_state: json(planned),
        config: json(planned),
        planned_private: b"planned".to_vec(),
        ..Default::default()
    };
    session.client.apply_resource_change(request).await.expect("an answer").into_inner()
}

#[tokio::test]
async fn describes_every_part() {
    let mut session = start(Zoo).await;
    let schema =
        session.client.get_schema(proto::get_provider_schema::Request {}).await.unwrap().into_inner();
    assert!(schema.provider.is_some());
    let animal = &schema.resource_schemas["zoo_animal"];
    assert_eq!(animal.version, 2);
    let block = animal.block.as_ref().unwrap();
    let secret = block.attributes.iter().find(|attribute| attribute.name == "secret").unwrap();
    assert!(secret.write_only && secret.optional && !secret.computed);
    assert_eq!(block.block_types[0].type_name, "food");
    assert!(schema.data_source_schemas.contains_key("zoo_visitors"));
    assert!(schema.functions.contains_key("join"));
    assert!(schema.ephemeral_resource_schemas.contains_key("zoo_ticket"));
    assert!(schema.list_resource_schemas.contains_key("zoo_animal"));
    assert!(schema.action_schemas.contains_key("zoo_feed"));
    let capabilities = schema.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    assert!(capabilities.move_resource_state && capabilities.generate_resource_config);

    let metadata = session.client.get_metadata(proto::get_metadata::Request {}).await.unwrap().into_inner();
    assert_eq!(metadata.resources[0].type_name, "zoo_animal");
    let functions =
        session.client.get_functions(proto::get_functions::Request {}).await.unwrap().into_inner();
    assert_eq!(functions.functions["join"].summary, "Joins parts.");
    let request = proto::get_resource_identity_schemas::Request {};
    let identities = session.client.get_resource_identity_schemas(request).await.unwrap().into_inner();
    assert_eq!(identities.identity_schemas["zoo_animal"].identity_attributes[0].name, "id");
}

#[tokio::test]
async fn validates_and_configures_the_provider() {
    let mut session = start(Zoo).await;
    let config = json(r#"{"city":"Atlantis"}"#);
    let request = proto::prepare_provider_config::Request { config: config.clone() };
    let prepared = session.client.prepare_provider_config(request).await.unwrap().into_inner();
    assert_eq!(prepared.prepared_config, config, "the configuration comes back as it was");
    let configure = |city: &str| proto::configure::Request { config: json(city), ..Default::default() };
    let refused = session.client.configure(configure(r#"{"city":"Atlantis"}"#)).await.unwrap().into_inner();
    assert_eq!(told(&refused.diagnostics), [r#"Error Atlantis is under water (AttributeName("city"))"#]);
    let taken = session.client.configure(configure(r#"{"city":null}"#)).await.unwrap().into_inner();
    assert_eq!(told(&taken.diagnostics), ["Warning it rains ()"]);
}

#[tokio::test]
async fn validation_follows_the_rules_of_the_schema() {
    let mut session = start(Zoo).await;
    let request = proto::validate_resource_type_config::Request {
        type_name: "zoo_animal".to_owned(),
        config: json(r#"{"id":null,"name":"x","mood":null,"secret":"s","food":[{"kind":"stones"}]}"#),
        client_capabilities: None,
    };
    let answer = session.client.validate_resource_type_config(request).await.unwrap().into_inner();
    assert_eq!(
        told(&answer.diagnostics),
        [
            r#"Error secret needs write-only attributes (AttributeName("secret"))"#,
            r#"Error kind cannot be "stones" (AttributeName("food") ElementKeyInt(0) AttributeName("kind"))"#,
        ]
    );
}

#[tokio::test]
async fn plans_by_the_rules_of_the_schema() {
    let mut session = start(Zoo).await;
    let created = plan(&mut session, "null", &animal("null", "calm")).await;
    assert_eq!(told(&created.diagnostics), [] as [&str; 0]);
    assert!(text(&created.planned_state).contains("id..."), "the id is unknown");
    assert_eq!(created.planned_private, b"before");
    assert!(!created.legacy_type_system);

    let prior = animal(r#""animal-1""#, "calm").replace("Leo", "Leonid");
    let replaced = plan(&mut session, &prior, &animal("null", "calm")).await;
    assert_eq!(replaced.requires_replace.len(), 1);

    let destroyed = plan(&mut session, &prior, "null").await;
    assert!(is_null(&destroyed.planned_state));
    assert_eq!(told(&destroyed.diagnostics), ["Warning it will be missed ()"]);
}

#[tokio::test]
async fn apply_answers_what_is_there_whatever_happens() {
    let mut session = start(Zoo).await;
    let there = animal(r#""animal-1""#, "calm");

    let created = apply(&mut session, "null", &animal("null", "calm")).await;
    assert!(text(&created.new_state).contains("animal-1"));
    assert_eq!(created.private, b"kept");

    let refused = apply(&mut session, "null", &animal("null", "refuse")).await;
    assert!(is_null(&refused.new_state), "nothing was created");
    assert_eq!(told(&refused.diagnostics), [r#"Error the animal refuses (AttributeName("name"))"#]);

    let half = apply(&mut session, "null", &animal("null", "half")).await;
    assert!(text(&half.new_state).contains("animal-1"), "a half create is kept, and tainted by Terraform");
    assert_eq!(half.private, b"planned");
    assert_eq!(told(&half.diagnostics), ["Error only half done ()"]);

    let refused = apply(&mut session, &there, &animal("null", "refuse")).await;
    assert!(refused.new_state.is_none(), "Terraform keeps the prior state");

    let half = apply(&mut session, &there, &animal("null", "half")).await;
    assert!(text(&half.new_state).contains("calm"), "a half update keeps what is true");

    let deleted = apply(&mut session, &there, "null").await;
    assert!(is_null(&deleted.new_state) && deleted.private.is_empty());
    let refused = apply(&mut session, &animal("null", "refuse"), "null").await;
    assert!(refused.new_state.is_none());
    let half = apply(&mut session, &animal("null", "half"), "null").await;
    assert!(text(&half.new_state).contains("half"));

    let stray = apply(&mut session, "null", &animal("null", "stray")).await;
    assert_eq!(
        told(&stray.diagnostics),
        ["Error The provider gave an answer that does not fit its schema ()"]
    );
    assert!(stray.diagnostics[0].detail.contains("wings"));
}

#[tokio::test]
async fn a_panic_is_a_diagnostic_and_the_provider_goes_on() {
    let mut session = start(Zoo).await;
    let panicked = apply(&mut session, "null", &animal("null", "panic")).await;
    assert_eq!(told(&panicked.diagnostics), ["Error The provider panicked ()"]);
    assert!(panicked.diagnostics[0].detail.contains("the lion is loose"));
    let created = apply(&mut session, "null", &animal("null", "calm")).await;
    assert!(!is_null(&created.new_state));
}

#[tokio::test]
async fn stop_cancels_the_running_calls_and_no_later_ones() {
    let mut session = start(Zoo).await;
    let mut other = session.client.clone();
    let waiting = tokio::spawn(async move { apply(&mut session, "null", &animal("null", "wait")).await });
    // Stop reaches the calls that run: ask again until this one does.
    while !waiting.is_finished() {
        other.stop(proto::stop::Request {}).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(told(&waiting.await.unwrap().diagnostics), ["Error interrupted ()"]);
}

#[tokio::test]
async fn reads_and_refreshes() {
    let mut session = start(Zoo).await;
    let mut read = async |mood: &str| {
        let request = proto::read_resource::Request {
            type_name: "zoo_animal".to_owned(),
            current_state: json(&animal(r#""animal-1""#, mood)),
            private: b"kept".to_vec(),
            current_identity: identity(r#"{"id":"animal-1"}"#),
            ..Default::default()
        };
        session.client.read_resource(request).await.unwrap().into_inner()
    };
    let same = read("calm").await;
    assert!(text(&same.new_state).contains("calm"));
    assert_eq!(same.private, b"kept");
    assert!(same.new_identity.is_some(), "the identity stays");
    assert!(is_null(&read("gone").await.new_state));
    assert_eq!(told(&read("panic").await.diagnostics), ["Error The provider panicked ()"]);
}

#[tokio::test]
async fn upgrades_state_and_identity() {
    let mut session = start(Zoo).await;
    let mut upgrade = async |version: i64, state: &str| {
        let raw_state =
            Some(proto::RawState { json: Bytes::copy_from_slice(state.as_bytes()), ..Default::default() });
        let request =
            proto::upgrade_resource_state::Request { type_name: "zoo_animal".to_owned(), version, raw_state };
        session.client.upgrade_resource_state(request).await.unwrap().into_inner()
    };
    let current = upgrade(2, &animal("null", "calm").replace("}", r#","dropped":[1]}"#)).await;
    assert!(
        text(&current.upgraded_state).contains("calm"),
        "attributes that the schema lost are passed over"
    );
    let older = upgrade(1, r#"{"title":"Mia"}"#).await;
    assert!(text(&older.upgraded_state).contains("Mia"));
    let newer = upgrade(3, "{}").await;
    assert_eq!(
        told(&newer.diagnostics),
        ["Error zoo_animal was written by a newer version of the provider ()"]
    );
    let broken = upgrade(2, r#"{"name":[]}"#).await;
    assert!(broken.diagnostics[0].detail.contains("name: string is required"), "{broken:?}");

    let raw_identity =
        Some(proto::RawState { json: Bytes::from_static(br#"{"id":"a"}"#), ..Default::default() });
    let request = proto::upgrade_resource_identity::Request {
        type_name: "zoo_animal".to_owned(),
        version: 0,
        raw_identity,
    };
    let answer = session.client.upgrade_resource_identity(request).await.unwrap().into_inner();
    assert!(text(&answer.upgraded_identity.unwrap().identity_data).contains("id"));
}

#[tokio::test]
async fn imports_by_id_and_by_identity() {
    let mut session = start(Zoo).await;
    for (id, by) in [("animal-7", None), ("", identity(r#"{"id":"animal-7"}"#))] {
        let request = proto::import_resource_state::Request {
            type_name: "zoo_animal".to_owned(),
            id: id.to_owned(),
            identity: by,
            ..Default::default()
        };
        let answer = session.client.import_resource_state(request).await.unwrap().into_inner();
        assert!(text(&answer.imported_resources[0].state).contains("animal-7"));
    }
}

#[tokio::test]
async fn moves_state_and_generates_configuration() {
    let mut session = start(Zoo).await;
    let mut move_from = async |source: &str| {
        let state = Bytes::from_static(br#"{"label":"Leo"}"#);
        let request = proto::move_resource_state::Request {
            source_provider_address: "registry.terraform.io/old/zoo".to_owned(),
            source_type_name: source.to_owned(),
            source_state: Some(proto::RawState { json: state, ..Default::default() }),
            target_type_name: "zoo_animal".to_owned(),
            ..Default::default()
        };
        session.client.move_resource_state(request).await.unwrap().into_inner()
    };
    assert!(text(&move_from("old_animal").await.target_state).contains("Leo"));
    let unknown = move_from("old_plant").await;
    assert_eq!(
        told(&unknown.diagnostics),
        ["Error zoo_animal cannot take over old_plant of registry.terraform.io/old/zoo ()"]
    );

    let request = proto::generate_resource_config::Request {
        type_name: "zoo_animal".to_owned(),
        state: json(&animal(r#""animal-1""#, "calm")),
    };
    let answer = session.client.generate_resource_config(request).await.unwrap().into_inner();
    let config = text(&answer.config);
    assert!(config.contains("calm") && !config.contains("animal-1"), "{config}");
}

#[tokio::test]
async fn data_sources_functions_and_ephemeral_resources_answer() {
    let mut session = start(Zoo).await;
    let request = proto::read_data_source::Request {
        type_name: "zoo_visitors".to_owned(),
        config: json(r#"{"day":"monday","count":null}"#),
        ..Default::default()
    };
    let answer = session.client.read_data_source(request).await.unwrap().into_inner();
    assert!(text(&answer.state).contains("monday"));

    let mut call = async |arguments: &[&str]| {
        let arguments = arguments.iter().filter_map(|argument| json(argument)).collect();
        let request = proto::call_function::Request { name: "join".to_owned(), arguments };
        session.client.call_function(request).await.unwrap().into_inner()
    };
    assert!(text(&call(&[r#""a""#, r#""b""#]).await.result).contains("a-b"));
    let error = call(&[r#""a""#, r#""""#]).await.error.unwrap();
    assert_eq!((error.text.as_str(), error.function_argument), ("a part is empty", Some(1)));

    let config = json(r#"{"code":null}"#);
    let request = proto::open_ephemeral_resource::Request {
        type_name: "zoo_ticket".to_owned(),
        config,
        ..Default::default()
    };
    let opened = session.client.open_ephemeral_resource(request).await.unwrap().into_inner();
    assert!(text(&opened.result).contains("1234"));
    let type_name = "zoo_ticket".to_owned();
    let request =
        proto::renew_ephemeral_resource::Request { type_name: type_name.clone(), private: opened.private };
    let renewed = session.client.renew_ephemeral_resource(request).await.unwrap().into_inner();
    assert_eq!(renewed.private.as_deref(), Some(&b"seat"[..]));
    let request = proto::close_ephemeral_resource::Request { type_name, private: renewed.private };
    let closed = session.client.close_ephemeral_resource(request).await.unwrap().into_inner();
    assert!(closed.diagnostics.is_empty());
}

#[tokio::test]
async fn searches_stop_at_the_limit_and_actions_report() {
    let mut session = start(Zoo).await;
    let request = proto::list_resource::Request {
        type_name: "zoo_animal".to_owned(),
        config: json("{}"),
        include_resource_object: false,
        limit: 3,
    };
    let mut events = session.client.list_resource(request).await.unwrap().into_inner();
    let mut names = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        names.push(event.display_name);
    }
    assert_eq!(names, ["1", "2", "3"]);

    let request = proto::invoke_action::Request {
        action_type: "zoo_feed".to_owned(),
        config: json("{}"),
        ..Default::default()
    };
    let mut events = session.client.invoke_action(request).await.unwrap().into_inner();
    let first = events.message().await.unwrap().unwrap();
    assert!(matches!(first.r#type, Some(proto::invoke_action::event::Type::Progress(_))));
    let last = events.message().await.unwrap().unwrap();
    let Some(proto::invoke_action::event::Type::Completed(completed)) = last.r#type else {
        panic!("{last:?}")
    };
    assert_eq!(told(&completed.diagnostics), ["Warning they are still hungry ()"]);
    assert!(events.message().await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_provider_lacks_is_a_diagnostic() {
    let mut session = start(Zoo).await;
    let request = proto::read_data_source::Request { type_name: "zoo_moon".to_owned(), ..Default::default() };
    let answer = session.client.read_data_source(request).await.unwrap().into_inner();
    assert_eq!(told(&answer.diagnostics), [r#"Error The provider has no data source "zoo_moon" ()"#]);
    let request = proto::call_function::Request { name: "moon".to_owned(), arguments: Vec::new() };
    let answer = session.client.call_function(request).await.unwrap().into_inner();
    assert_eq!(answer.error.unwrap().text, "the provider has no function \"moon\"");
    let request = proto::list_resource::Request { type_name: "zoo_moon".to_owned(), ..Default::default() };
    let mut events = session.client.list_resource(request).await.unwrap().into_inner();
    let event = events.message().await.unwrap().unwrap();
    assert_eq!(told(&event.diagnostic), [r#"Error The provider has no list resource "zoo_moon" ()"#]);
}

#[tokio::test]
async fn a_message_of_many_megabytes_goes_both_ways() {
    let mut session = start(Zoo).await;
    let config = animal("null", &"x".repeat(20 << 20));
    let planned = plan(&mut session, "null", &config).await;
    assert!(planned.planned_state.unwrap().msgpack.len() > 20 << 20);
}

#[tokio::test]
async fn another_host_is_refused() {
    let (host, stranger) = (HostIdentity::new(), HostIdentity::new());
    // The stranger learns of it at the latest when it speaks.
    if let Ok(mut session) = start_for(Zoo, host.certificate.pem(), &stranger).await {
        assert!(session.client.get_metadata(proto::get_metadata::Request {}).await.is_err());
    }
}

#[tokio::test]
async fn the_host_checks_health_listens_and_says_goodbye() {
    let session = start(Zoo).await;
    let request = HealthCheckRequest { service: "plugin".to_owned() };
    let health = HealthClient::new(session.channel.clone()).check(request).await.unwrap().into_inner();
    assert_eq!(health.status, 1);
    let mut output =
        GrpcStdioClient::new(session.channel.clone()).stream_stdio(Empty {}).await.unwrap().into_inner();
    assert!(session.socket.exists());
    GrpcControllerClient::new(session.channel.clone()).shutdown(Empty {}).await.unwrap();
    // The open stream ends too; with it open, only patience would end the provider.
    assert!(matches!(output.message().await, Ok(None) | Err(_)));
    let Session { served, socket, .. } = session;
    let ended =
        tokio::time::timeout(Duration::from_secs(2), served).await.expect("the provider ends in time");
    assert_eq!(ended.unwrap(), Ok(()));
    assert!(!socket.exists(), "the socket is gone");
}

#[test]
fn older_state_reads_with_its_own_schema() {
    let raw = RawState::from_json(animal("null", "calm"));
    let state: Object = raw.decode(&zoo::Animal.schema()).expect("it fits");
    assert_eq!((state.string("mood"), state.get("food")), (Some("calm"), &Value::List(Vec::new())));
}
