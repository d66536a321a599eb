//! Keys, certificates and password hashes, as sprig makes them, with everything random drawn from the render's seed
//! and the time taken from the render's clock: the same seed and time give the same certificates.

mod certificate;
mod der;
mod keys;
mod passwords;
mod prime;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use base64::Engine;

use super::arguments::{self, Outcome};
use super::random::generated;
use crate::context::Context;
use crate::error::CallError;
use crate::functions::{Function, Param};
use crate::value::{Data, FieldNames, Object, Value};
use certificate::{Request, Signer};
use keys::PrivateKey;

const CERTIFICATE: Param = Param::Named("sprig.certificate");
const TEXT: Param = Param::String;

/// The functions of this family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[TEXT], passwords::bcrypt, "Hashes a password with bcrypt."),
    Function::new("htpasswd", &[TEXT, TEXT], passwords::htpasswd, "Makes a line of an htpasswd file."),
    Function::new(
        "derivePassword",
        &[Param::Uint32, TEXT, TEXT, TEXT, TEXT],
        passwords::derive_password,
        "Derives a site's password from counter, type, master password, user and site.",
    ),
    Function::new("encryptAES", &[TEXT, TEXT], passwords::encrypt_aes, "Encrypts a text with a password."),
    Function::new("decryptAES", &[TEXT, TEXT], passwords::decrypt_aes, "Decrypts what encryptAES made."),
    Function::new("genPrivateKey", &[TEXT], gen_private_key, "Makes an rsa, ecdsa, dsa or ed25519 key."),
    Function::new("genCA", &[TEXT, Param::Int], gen_ca, "Makes a certificate authority."),
    Function::new(
        "genCAWithKey",
        &[TEXT, Param::Int, TEXT],
        gen_ca_with_key,
        "Makes an authority of a given key.",
    ),
    Function::new(
        "genSelfSignedCert",
        &[TEXT, Param::List, Param::List, Param::Int],
        gen_self_signed,
        "Makes a certificate for a name, addresses and further names, signed by itself.",
    ),
    Function::new(
        "genSelfSignedCertWithKey",
        &[TEXT, Param::List, Param::List, Param::Int, TEXT],
        gen_self_signed_with_key,
        "Makes a certificate of a given key, signed by itself.",
    ),
    Function::new(
        "genSignedCert",
        &[TEXT, Param::List, Param::List, Param::Int, CERTIFICATE],
        gen_signed,
        "Makes a certificate for a name, addresses and further names, signed by an authority.",
    ),
    Function::new(
        "genSignedCertWithKey",
        &[TEXT, Param::List, Param::List, Param::Int, CERTIFICATE, TEXT],
        gen_signed_with_key,
        "Makes a certificate of a given key, signed by an authority.",
    ),
    Function::new(
        "buildCustomCert",
        &[TEXT, TEXT],
        build_custom_cert,
        "Makes a certificate object of base64 texts.",
    ),
];

/// A certificate with its key, both PEM: sprig's `certificate`.
struct Certificate {
    cert: Value,
    key: Value,
}

impl Object for Certificate {
    fn type_name(&self) -> &str {
        "sprig.certificate"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.clone()),
            "Key" => Some(self.key.clone()),
            _ => None,
        }
    }

    fn print(&self) -> String {
        format!("{{{} {}}}", text_of(&self.cert), text_of(&self.key))
    }

    fn to_plain(&self) -> Value {
        let map = crate::value::Map::default();
        map.set("Cert", self.cert.clone());
        map.set("Key", self.key.clone());
        Data::Map(map).into()
    }

    fn fields_in_order(&self, names: FieldNames) -> Option<Vec<(std::rc::Rc<[u8]>, Value)>> {
        let (cert, key): (&[u8], &[u8]) = match names {
            FieldNames::Json | FieldNames::Go => (b"Cert", b"Key"),
            FieldNames::Lower => (b"cert", b"key"),
        };
        Some(vec![(cert.into(), self.cert.clone()), (key.into(), self.key.clone())])
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn text_of(value: &Value) -> String {
    String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned()
}

fn gen_private_key(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = match arguments::bytes(args, 0) {
        b"" | b"rsa" => PrivateKey::rsa(context, 4096)?,
        b"dsa" => PrivateKey::dsa(context)?,
        b"ecdsa" => PrivateKey::ec(context),
        b"ed25519" => PrivateKey::ed25519(context),
        other => return Ok(Value::text([b"Unknown type ", other].concat())),
    };
    Ok(generated(context, "genPrivateKey", Value::text(key.to_pem())))
}

fn rsa_2048(context: &mut Context<'_>) -> Result<PrivateKey, CallError> {
    PrivateKey::rsa(context, 2048)
}

fn given_key(args: &[Value], at: usize) -> Result<PrivateKey, CallError> {
    PrivateKey::from_pem(&arguments::string(args, at))
        .map_err(|error| CallError::new(format!("parsing private key: {error}")))
}

fn gen_ca(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = rsa_2048(context)?;
    authority(context, "genCA", args, &key)
}

fn gen_ca_with_key(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    authority(context, "genCAWithKey", args, &given_key(args, 2)?)
}

fn authority(context: &mut Context<'_>, name: &'static str, args: &[Value], key: &PrivateKey) -> Outcome {
    let common_name = arguments::string(args, 0);
    let mut request = request(context, &common_name, &[], &[], int(args, 1));
    request.is_authority = true;
    finish(context, name, &request, key, None)
}

fn gen_self_signed(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = rsa_2048(context)?;
    named(context, "genSelfSignedCert", args, &key, None)
}

fn gen_self_signed_with_key(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    named(context, "genSelfSignedCertWithKey", args, &given_key(args, 4)?, None)
}

fn gen_signed(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = rsa_2048(context)?;
    let signer = signer(&args[4])?;
    named(context, "genSignedCert", args, &key, Some(&signer))
}

fn gen_signed_with_key(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = given_key(args, 5)?;
    let signer = signer(&args[4])?;
    named(context, "genSignedCertWithKey", args, &key, Some(&signer))
}

fn signer(value: &Value) -> Result<Signer, CallError> {
    let Data::Object(object) = &value.data else {
        return Err(CallError::new("wrong type for value; expected sprig.certificate"));
    };
    let field = |name| object.field(name).map(|value| text_of(&value)).unwrap_or_default();
    let Some((_, certificate)) = der::from_pem(&field("Cert")).map(|(kind, der)| (kind.to_owned(), der))
    else {
        return Err(CallError::new("unable to decode certificate"));
    };
    let key = PrivateKey::from_pem(&field("Key"))
        .map_err(|error| CallError::new(format!("error parsing private key: {error}")))?;
    Signer::new(&certificate, key).ok_or_else(|| {
        CallError::new("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate")
    })
}

fn named(
    context: &mut Context<'_>,
    name: &'static str,
    args: &[Value],
    key: &PrivateKey,
    signer: Option<&Signer>,
) -> Outcome {
    let addresses = addresses(items(&args[1]))?;
    let names = names(context, items(&args[2]))?;
    let common_name = arguments::string(args, 0);
    let request = request(context, &common_name, &addresses, &names, int(args, 3));
    finish(context, name, &request, key, signer)
}

fn int(args: &[Value], at: usize) -> i64 {
    super::convert::to_int64(&args[at])
}

fn items(value: &Value) -> &[Value] {
    value.as_list().map(|list| list.items()).unwrap_or_default()
}

fn addresses(items: &[Value]) -> Result<Vec<IpAddr>, CallError> {
    let mut out = Vec::new();
    for item in items {
        let Some(bytes) = item.as_bytes() else {
            return Err(CallError::new(format!("error parsing ip: {item:?} is not a string")));
        };
        let text = String::from_utf8_lossy(bytes);
        out.push(text.parse().map_err(|_| CallError::new(format!("error parsing ip: {text}")))?);
    }
    Ok(out)
}

fn names(context: &mut Context<'_>, items: &[Value]) -> Result<Vec<String>, CallError> {
    let mut out = Vec::new();
    for item in items {
        let Some(bytes) = item.as_bytes() else {
            let shown = crate::template::format::print(context, item)?;
            let shown = String::from_utf8_lossy(&shown).into_owned();
            return Err(CallError::new(format!(
                "error processing alternate dns name: {shown} is not a string"
            )));
        };
        out.push(String::from_utf8_lossy(bytes).into_owned());
    }
    Ok(out)
}

fn request<'r>(
    context: &mut Context<'_>,
    common_name: &'r str,
    addresses: &[IpAddr],
    names: &[String],
    days: i64,
) -> Request<'r> {
    Request {
        common_name,
        addresses: addresses.to_vec(),
        names: names.to_vec(),
        days,
        is_authority: false,
        serial: prime::bits(context, 128),
    }
}

fn finish(
    context: &mut Context<'_>,
    name: &'static str,
    request: &Request<'_>,
    key: &PrivateKey,
    signer: Option<&Signer>,
) -> Outcome {
    let der = certificate::create(context, request, key, signer)?;
    let certificate = Certificate {
        cert: generated(context, name, Value::text(der::to_pem("CERTIFICATE", &der))),
        key: generated(context, name, Value::text(key.to_pem())),
    };
    Ok(generated(context, name, Value::object(certificate)))
}

fn build_custom_cert(_context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let decode = |at: usize, what: &str| {
        base64::engine::general_purpose::STANDARD
            .decode(
                arguments::bytes(args, at)
                    .iter()
                    .copied()
                    .filter(|b| !matches!(b, b'\r' | b'\n'))
                    .collect::<Vec<u8>>(),
            )
            .map_err(|_| CallError::new(format!("unable to decode base64 {what}")))
    };
    let (cert, key) = (decode(0, "certificate")?, decode(1, "private key")?);
    let Some((_, der)) =
        der::from_pem(&String::from_utf8_lossy(&cert)).map(|(kind, der)| (kind.to_owned(), der))
    else {
        return Err(CallError::new("unable to decode certificate"));
    };
    if !certificate::is_certificate(&der) {
        let message = "error parsing certificate: decodedCert.Bytes: x509: malformed certificate";
        return Err(CallError::new(message));
    }
    PrivateKey::from_pem(&String::from_utf8_lossy(&key))
        .map_err(|error| CallError::new(format!("error parsing private key: {error}")))?;
    Ok(Value::object(Certificate { cert: Value::text(cert), key: Value::text(key) }))
}
