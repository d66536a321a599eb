//! What Go's libraries accept was checked with them once; here the answers of one seed are held.

use super::*;
use crate::Mode;
use crate::limits::Limits;
use crate::trace::{Mark, Marks, Trace};

fn context(seed: u8) -> Context<'static> {
    Context::new(Mode::Helm4, Trace::Full, Limits::default(), [seed; 32], 1_790_000_000_000_000_000)
}

fn call(context: &mut Context<'_>, name: &str, args: &[Value]) -> Result<Value, String> {
    let families = [FUNCTIONS, crate::functions::random::FUNCTIONS];
    let function =
        families.iter().flat_map(|family| family.iter()).find(|f| f.name == name).expect("it exists");
    (function.call)(context, args).map_err(|error| error.message)
}

fn field(value: &Value, name: &str) -> String {
    match &value.data {
        Data::Object(object) => text_of(&object.field(name).expect("the field exists")),
        other => panic!("{} is no certificate", Value::from(other.clone()).type_name(Mode::Helm4)),
    }
}

#[test]
fn derive_password_is_the_published_algorithm() {
    let text = |text: &str| Value::text(text);
    let args = [Value::int(1), text("long"), text("password"), text("user"), text("example.com")];
    let found = call(&mut context(1), "derivePassword", &args).expect("it can be derived");
    assert_eq!(found.as_bytes(), Some(&b"ZedaFaxcZaso9*"[..]));
}

#[test]
fn the_same_seed_gives_the_same_answers_and_another_seed_others() {
    for (name, args) in [
        ("randAlphaNum", vec![Value::int(24)]),
        ("uuidv4", vec![]),
        ("shuffle", vec![Value::text("abcdefghijklmnopqrstuvwxyz")]),
        ("genPrivateKey", vec![Value::text("ecdsa")]),
        ("genPrivateKey", vec![Value::text("ed25519")]),
        ("encryptAES", vec![Value::text("k"), Value::text("plain")]),
    ] {
        let answer = |seed| call(&mut context(seed), name, &args).expect("it works");
        assert_eq!(answer(1).as_bytes(), answer(1).as_bytes(), "{name}");
        assert_ne!(answer(1).as_bytes(), answer(2).as_bytes(), "{name}");
        let only = Marks::one(Mark::Generated(name_of(name)));
        assert_eq!(answer(1).marks, only, "{name}");
    }
}

fn name_of(name: &str) -> &'static str {
    ["randAlphaNum", "uuidv4", "shuffle", "genPrivateKey", "encryptAES"]
        .into_iter()
        .find(|known| *known == name)
        .expect("the name is listed")
}

#[test]
fn an_authority_signs_certificates_of_its_own_key_only() {
    let mut context = context(3);
    let key = call(&mut context, "genPrivateKey", &[Value::text("ecdsa")]).expect("a key");
    let ca = call(&mut context, "genCAWithKey", &[Value::text("ca"), Value::int(1), key.clone()])
        .expect("an authority");
    assert_eq!(field(&ca, "Key"), text_of(&key));
    let names = Value::list(vec![Value::text("a.b")]);
    let args = [Value::text("x"), Value::NIL, names.clone(), Value::int(1), ca.clone(), key.clone()];
    let signed = call(&mut context, "genSignedCertWithKey", &args).expect("a certificate");
    assert!(field(&signed, "Cert").starts_with("-----BEGIN CERTIFICATE-----\n"));
    let other = call(&mut context, "genPrivateKey", &[Value::text("ed25519")]).expect("a key");
    let wrong = Certificate { cert: Value::text(field(&ca, "Cert")), key: other };
    let args = [Value::text("x"), Value::NIL, names, Value::int(1), Value::object(wrong), key];
    let error = call(&mut context, "genSignedCertWithKey", &args).expect_err("the keys differ");
    assert_eq!(
        error,
        "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey"
    );
}

#[test]
fn mistakes_are_told_in_go_s_words() {
    let text = |text: &str| Value::text(text);
    let check = |name: &str, args: &[Value], expected: &str| {
        let found =
            call(&mut context(1), name, args).map(|value| text_of(&value)).unwrap_or_else(|error| error);
        assert_eq!(found, expected, "{name}");
    };
    check("genPrivateKey", &[text("x")], "Unknown type x");
    check(
        "genCAWithKey",
        &[text("a"), Value::int(1), text("x")],
        "parsing private key: no PEM data in input",
    );
    check("buildCustomCert", &[text("!"), text("")], "unable to decode base64 certificate");
    check("buildCustomCert", &[text("eA=="), text("")], "unable to decode certificate");
    check("htpasswd", &[text("a:b"), text("c")], "invalid username: a:b");
    check(
        "derivePassword",
        &[Value::int(1), text("z"), text(""), text(""), text("")],
        "cannot find password template z",
    );
    check("decryptAES", &[text("k"), text("!!")], "illegal base64 data at input byte 0");
    check("randInt", &[Value::int(3), Value::int(3)], "invalid argument to Intn");
    check("randAlpha", &[Value::int(-1)], "");
    let addresses = Value::list(vec![text("bad")]);
    let key = call(&mut context(1), "genPrivateKey", &[text("ed25519")]).expect("a key");
    check(
        "genSelfSignedCertWithKey",
        &[text("a"), addresses, Value::NIL, Value::int(1), key],
        "error parsing ip: bad",
    );
}
