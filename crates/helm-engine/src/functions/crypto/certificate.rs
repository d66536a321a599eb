//! X.509 certificates with the fields and extensions that sprig sets and Go's `x509.CreateCertificate` writes.

use std::net::IpAddr;

use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::der::{self, Element, Reader, bit_string, element, integer, sequence};
use super::keys::PrivateKey;
use crate::context::Context;
use crate::error::CallError;

const OID_COMMON_NAME: &[u8] = &[0x55, 4, 3];
const OID_KEY_USAGE: &[u8] = &[0x55, 0x1D, 15];
const OID_EXTENDED_USAGE: &[u8] = &[0x55, 0x1D, 37];
const OID_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 19];
const OID_SUBJECT_KEY: &[u8] = &[0x55, 0x1D, 14];
const OID_AUTHORITY_KEY: &[u8] = &[0x55, 0x1D, 35];
const OID_ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 17];
const OID_SERVER_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 1];
const OID_CLIENT_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 2];

const SECONDS_PER_DAY: i64 = 86_400;

/// What a certificate is to say.
pub(super) struct Request<'r> {
    pub(super) common_name: &'r str,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<String>,
    pub(super) days: i64,
    pub(super) is_authority: bool,
    pub(super) serial: BigUint,
}

/// Who signs a certificate.
pub(super) struct Signer {
    /// The name as it is written in the signer's certificate.
    subject: Vec<u8>,
    key_id: Vec<u8>,
    public: Vec<u8>,
    pub(super) key: PrivateKey,
}

/// Whom a certificate names: subject, key id and public key.
type Holder = (Vec<u8>, Vec<u8>, Vec<u8>);

impl Signer {
    /// Reads a signer's certificate.
    pub(super) fn new(certificate: &[u8], key: PrivateKey) -> Option<Self> {
        let (subject, key_id, public) = holder(certificate)?;
        Some(Signer { subject, key_id, public, key })
    }
}

fn holder(certificate: &[u8]) -> Option<Holder> {
    let mut fields = Reader::new(certificate).sequence()?.sequence()?;
    fields.expect(0xA0);
    fields.integer()?;
    fields.sequence()?;
    fields.sequence()?;
    fields.sequence()?;
    let subject = fields.expect(der::SEQUENCE)?.whole.to_vec();
    let public = fields.expect(der::SEQUENCE)?.whole.to_vec();
    let key_id = std::iter::from_fn(|| fields.next())
        .find(|element| element.tag == 0xA3)
        .and_then(subject_key_id)
        .unwrap_or_default();
    Some((subject, key_id, public))
}

fn subject_key_id(extensions: Element<'_>) -> Option<Vec<u8>> {
    let mut list = Reader::new(extensions.content).sequence()?;
    while let Some(mut extension) = list.sequence() {
        if extension.expect(der::OID)?.content == OID_SUBJECT_KEY {
            let value = std::iter::from_fn(|| extension.next()).last()?.content;
            return Some(Reader::new(value).expect(der::OCTET_STRING)?.content.to_vec());
        }
    }
    None
}

/// Says whether bytes are a certificate.
pub(super) fn is_certificate(bytes: &[u8]) -> bool {
    holder(bytes).is_some()
}

/// Makes a certificate for a key, signed by itself if no signer is given.
///
/// # Errors
/// With Go's message.
pub(super) fn create(
    context: &mut Context<'_>,
    request: &Request<'_>,
    key: &PrivateKey,
    signer: Option<&Signer>,
) -> Result<Vec<u8>, CallError> {
    let signing_key = signer.map_or(key, |signer| &signer.key);
    let fail = |message: String| CallError::new(format!("error creating certificate: {message}"));
    let unsupported = || fail("x509: certificate private key does not implement crypto.Signer".to_owned());
    let (_, signing_public) = signing_key.public().ok_or_else(unsupported)?;
    let (public_bits, public) =
        key.public().ok_or_else(|| fail("x509: unsupported public key type: *dsa.PublicKey".to_owned()))?;
    if signer.is_some_and(|signer| signer.public != signing_public) {
        return Err(fail("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned()));
    }
    let subject = name(request.common_name);
    let issuer = signer.map_or_else(|| subject.clone(), |signer| signer.subject.clone());
    let authority = signer.filter(|signer| signer.subject != subject).map(|signer| signer.key_id.clone());
    let extensions = extensions(request, &public_bits, &subject, authority).map_err(fail)?;
    let algorithm = signing_key.signature_algorithm();
    let start = i64::try_from(context.now_unix_nanoseconds().div_euclid(1_000_000_000)).unwrap_or(0);
    let end = start.saturating_add(request.days.wrapping_mul(SECONDS_PER_DAY));
    let body = sequence(&[
        element(0xA0, &integer(&BigUint::from(2_u32))),
        integer(&request.serial),
        algorithm.clone(),
        issuer,
        sequence(&[time(start), time(end)]),
        subject,
        public,
        element(0xA3, &sequence(&extensions)),
    ]);
    let signature = signing_key.sign(&body).ok_or_else(unsupported)?;
    Ok(sequence(&[body, algorithm, bit_string(&signature)]))
}

fn extensions(
    request: &Request<'_>,
    public_bits: &[u8],
    subject: &[u8],
    authority: Option<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, String> {
    let (unused, usage) = if request.is_authority { (2, 0xA4) } else { (5, 0xA0) };
    let usages = [OID_SERVER_AUTH, OID_CLIENT_AUTH].map(|oid| element(der::OID, oid));
    let constraints = if request.is_authority { vec![element(0x01, &[0xFF])] } else { Vec::new() };
    let mut out = vec![
        extension(OID_KEY_USAGE, true, &element(der::BIT_STRING, &[unused, usage])),
        extension(OID_EXTENDED_USAGE, false, &sequence(&usages)),
        extension(OID_BASIC_CONSTRAINTS, true, &sequence(&constraints)),
    ];
    if request.is_authority {
        let id = &Sha256::digest(public_bits)[..20];
        out.push(extension(OID_SUBJECT_KEY, false, &element(der::OCTET_STRING, id)));
    }
    if let Some(id) = authority.filter(|id| !id.is_empty()) {
        out.push(extension(OID_AUTHORITY_KEY, false, &sequence(&[element(0x80, &id)])));
    }
    if !request.names.is_empty() || !request.addresses.is_empty() {
        let is_critical = subject == sequence(&[]);
        out.push(extension(OID_ALTERNATIVE_NAMES, is_critical, &alternative_names(request)?));
    }
    Ok(out)
}

fn alternative_names(request: &Request<'_>) -> Result<Vec<u8>, String> {
    let mut names = Vec::new();
    for name in &request.names {
        if !name.is_ascii() {
            let shown = crate::template::unicode::quote(name.as_bytes());
            return Err(format!("x509: {shown} cannot be encoded as an IA5String"));
        }
        names.push(element(0x82, name.as_bytes()));
    }
    for address in &request.addresses {
        names.push(match address.to_canonical() {
            IpAddr::V4(address) => element(0x87, &address.octets()),
            IpAddr::V6(address) => element(0x87, &address.octets()),
        });
    }
    Ok(sequence(&names))
}

fn extension(oid: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![element(der::OID, oid)];
    if is_critical {
        parts.push(element(0x01, &[0xFF]));
    }
    parts.push(element(der::OCTET_STRING, value));
    sequence(&parts)
}

fn name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return sequence(&[]);
    }
    let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b);
    let tag = if common_name.bytes().all(printable) { 0x13 } else { 0x0C };
    let pair = sequence(&[element(der::OID, OID_COMMON_NAME), element(tag, common_name.as_bytes())]);
    sequence(&[element(0x31, &pair)])
}

/// Writes a time: with two digits of the year up to 2049, with four from 2050 on.
fn time(unix_seconds: i64) -> Vec<u8> {
    let days = unix_seconds.div_euclid(SECONDS_PER_DAY);
    let second = unix_seconds.rem_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil(days);
    let rest = format!("{month:02}{day:02}{:02}{:02}{:02}Z", second / 3600, second / 60 % 60, second % 60);
    if (1950..2050).contains(&year) {
        element(0x17, format!("{:02}{rest}", year % 100).as_bytes())
    } else {
        element(0x18, format!("{:04}{rest}", year.clamp(0, 9999)).as_bytes())
    }
}

/// Returns year, month and day of a day counted from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
