//! Private keys: made from the seeded source, read from and written to PEM as sprig does, and used to sign.

use ed25519_dalek::Signer as _;
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::der::{self, Reader, bit_string, element, integer, sequence};
use super::prime::{bits, is_prime, prime};
use crate::context::Context;
use crate::error::CallError;

const OID_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
const OID_SHA256_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11];
const OID_EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const OID_P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
const OID_SHA256_EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
const OID_ED25519: &[u8] = &[0x2B, 0x65, 0x70];
const NULL: [u8; 2] = [5, 0];

/// The prefix of a SHA-256 digest inside an RSA signature.
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The numbers of an RSA key.
#[derive(Clone)]
pub(super) struct Rsa {
    modulus: BigUint,
    public: BigUint,
    private: BigUint,
    p: BigUint,
    q: BigUint,
}

/// A private key.
#[derive(Clone)]
pub(super) enum PrivateKey {
    Rsa(Box<Rsa>),
    /// On the curve P-256.
    Ec(Box<p256::ecdsa::SigningKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// P, Q, G, Y, X.
    Dsa(Box<[BigUint; 5]>),
}

impl PrivateKey {
    /// Makes an RSA key.
    pub(super) fn rsa(context: &mut Context<'_>, key_bits: u64) -> Result<Self, CallError> {
        let public = BigUint::from(65_537_u32);
        loop {
            let (p, q) = (prime(context, key_bits / 2)?, prime(context, key_bits / 2)?);
            let one = BigUint::from(1_u32);
            let totient = (&p - &one) * (&q - &one);
            let modulus = &p * &q;
            if p != q
                && modulus.bits() == key_bits
                && let Some(private) = public.modinv(&totient)
            {
                return Ok(PrivateKey::Rsa(Box::new(Rsa { modulus, public, private, p, q })));
            }
        }
    }

    /// Makes a key on the curve P-256.
    pub(super) fn ec(context: &mut Context<'_>) -> Self {
        loop {
            let mut secret = [0; 32];
            context.random_bytes(&mut secret);
            if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&secret) {
                return PrivateKey::Ec(Box::new(key));
            }
        }
    }

    /// Makes an Ed25519 key.
    pub(super) fn ed25519(context: &mut Context<'_>) -> Self {
        let mut secret = [0; 32];
        context.random_bytes(&mut secret);
        PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&secret)))
    }

    /// Makes a DSA key with numbers of 2048 and 256 bits.
    pub(super) fn dsa(context: &mut Context<'_>) -> Result<Self, CallError> {
        let one = BigUint::from(1_u32);
        loop {
            let q = prime(context, 256)?;
            let step = &q << 1;
            for _ in 0..4 * 2048 {
                context.charge(2_000)?;
                let mut start = bits(context, 2048);
                start.set_bit(2047, true);
                let p: BigUint = &start - &start % &step + &one;
                if p.bits() != 2048 || !is_prime(&p) {
                    continue;
                }
                let exponent = (&p - &one) / &q;
                let g = BigUint::from(2_u32).modpow(&exponent, &p);
                let x = bits(context, 320) % (&q - &one) + &one;
                let y = g.modpow(&x, &p);
                return Ok(PrivateKey::Dsa(Box::new([p, q, g, y, x])));
            }
        }
    }

    /// Writes the key as PEM in the form of its type.
    pub(super) fn to_pem(&self) -> String {
        match self {
            PrivateKey::Rsa(key) => der::to_pem("RSA PRIVATE KEY", &key.to_der()),
            PrivateKey::Ec(key) => {
                let public =
                    element(0xA1, &bit_string(key.verifying_key().to_encoded_point(false).as_bytes()));
                let curve = element(0xA0, &element(der::OID, OID_P256));
                let secret = element(der::OCTET_STRING, &key.to_bytes());
                let parts = [integer(&BigUint::from(1_u32)), secret, curve, public];
                der::to_pem("EC PRIVATE KEY", &sequence(&parts))
            }
            PrivateKey::Ed25519(key) => {
                let algorithm = sequence(&[element(der::OID, OID_ED25519)]);
                let secret = element(der::OCTET_STRING, &element(der::OCTET_STRING, key.as_bytes()));
                der::to_pem("PRIVATE KEY", &sequence(&[integer(&BigUint::ZERO), algorithm, secret]))
            }
            PrivateKey::Dsa(numbers) => {
                let mut parts = vec![integer(&BigUint::ZERO)];
                parts.extend(numbers.iter().map(integer));
                der::to_pem("DSA PRIVATE KEY", &sequence(&parts))
            }
        }
    }

    /// Reads a key from PEM.
    ///
    /// # Errors
    /// With sprig's message; what is wrong inside a key is told in short.
    pub(super) fn from_pem(text: &str) -> Result<Self, CallError> {
        let Some((kind, bytes)) = der::from_pem(text) else {
            return Err(CallError::new("no PEM data in input"));
        };
        let malformed = |what: &str| CallError::new(format!("{what}: asn1: structure error: malformed key"));
        match kind {
            "PRIVATE KEY" => from_pkcs8(&bytes).ok_or_else(|| malformed("decoding PEM as PKCS#8")),
            "RSA PRIVATE KEY" => {
                Rsa::from_der(&bytes).ok_or_else(|| malformed("parsing RSA private key from PEM"))
            }
            "EC PRIVATE KEY" => from_sec1(&bytes).ok_or_else(|| malformed("parsing EC private key from PEM")),
            "DSA PRIVATE KEY" => {
                dsa_from_der(&bytes).ok_or_else(|| malformed("parsing DSA private key from PEM"))
            }
            _ => match kind.strip_suffix(" PRIVATE KEY") {
                Some(other) => Err(CallError::new(format!("invalid private key type {other}"))),
                None => Err(CallError::new(format!("no private key data in PEM block of type {kind}"))),
            },
        }
    }

    /// Returns the content of the public key's bit string, and the whole public key as certificates hold it.
    pub(super) fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (algorithm, key) = match self {
            PrivateKey::Rsa(key) => (
                sequence(&[element(der::OID, OID_RSA), NULL.to_vec()]),
                sequence(&[integer(&key.modulus), integer(&key.public)]),
            ),
            PrivateKey::Ec(key) => (
                sequence(&[element(der::OID, OID_EC), element(der::OID, OID_P256)]),
                key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
            ),
            PrivateKey::Ed25519(key) => {
                (sequence(&[element(der::OID, OID_ED25519)]), key.verifying_key().to_bytes().to_vec())
            }
            PrivateKey::Dsa(_) => return None,
        };
        let whole = sequence(&[algorithm, bit_string(&key)]);
        Some((key, whole))
    }

    /// Returns the identifier of the algorithm that [`PrivateKey::sign`] uses.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        match self {
            PrivateKey::Rsa(_) => sequence(&[element(der::OID, OID_SHA256_RSA), NULL.to_vec()]),
            PrivateKey::Ec(_) => sequence(&[element(der::OID, OID_SHA256_EC)]),
            PrivateKey::Ed25519(_) | PrivateKey::Dsa(_) => sequence(&[element(der::OID, OID_ED25519)]),
        }
    }

    /// Signs a message; none for keys that certificates cannot be signed with.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            PrivateKey::Rsa(key) => key.sign(message),
            PrivateKey::Ec(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                Some(signature.as_bytes().to_vec())
            }
            PrivateKey::Ed25519(key) => Some(key.sign(message).to_bytes().to_vec()),
            PrivateKey::Dsa(_) => None,
        }
    }
}

impl Rsa {
    fn to_der(&self) -> Vec<u8> {
        let one = BigUint::from(1_u32);
        let inverse = self.q.modinv(&self.p).unwrap_or_default();
        let parts = [
            BigUint::ZERO,
            self.modulus.clone(),
            self.public.clone(),
            self.private.clone(),
            self.p.clone(),
            self.q.clone(),
            &self.private % (&self.p - &one),
            &self.private % (&self.q - &one),
            inverse,
        ];
        sequence(&parts.iter().map(integer).collect::<Vec<_>>())
    }

    fn from_der(bytes: &[u8]) -> Option<PrivateKey> {
        let mut reader = Reader::new(bytes).sequence()?;
        reader.integer()?;
        let (modulus, public, private) = (reader.integer()?, reader.integer()?, reader.integer()?);
        let (p, q) = (reader.integer()?, reader.integer()?);
        let usable = p > BigUint::from(1_u32) && q > BigUint::from(1_u32) && &p * &q == modulus;
        usable.then(|| PrivateKey::Rsa(Box::new(Rsa { modulus, public, private, p, q })))
    }

    /// Signs with PKCS #1 v1.5 and SHA-256, modulo each prime and then together.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let size = usize::try_from(self.modulus.bits().div_ceil(8)).ok()?;
        let digest = [SHA256_INFO.as_slice(), Sha256::digest(message).as_slice()].concat();
        let padding = size.checked_sub(digest.len() + 3).filter(|padding| *padding >= 8)?;
        let padded = [&[0, 1], vec![0xFF; padding].as_slice(), &[0], &digest].concat();
        let number = BigUint::from_bytes_be(&padded);
        let one = BigUint::from(1_u32);
        let at_p = number.modpow(&(&self.private % (&self.p - &one)), &self.p);
        let at_q = number.modpow(&(&self.private % (&self.q - &one)), &self.q);
        let difference = (&at_p + &self.p - &at_q % &self.p) % &self.p;
        let signature = &at_q + &self.q * (difference * self.q.modinv(&self.p)? % &self.p);
        let bytes = signature.to_bytes_be();
        Some([vec![0; size - bytes.len()], bytes].concat())
    }
}

fn from_sec1(bytes: &[u8]) -> Option<PrivateKey> {
    let mut reader = Reader::new(bytes).sequence()?;
    reader.integer()?;
    let secret = reader.expect(der::OCTET_STRING)?.content;
    if let Some(curve) = reader.expect(0xA0)
        && curve.content != element(der::OID, OID_P256)
    {
        return None;
    }
    ec_key(secret)
}

fn ec_key(secret: &[u8]) -> Option<PrivateKey> {
    p256::ecdsa::SigningKey::from_slice(secret).ok().map(|key| PrivateKey::Ec(Box::new(key)))
}

fn from_pkcs8(bytes: &[u8]) -> Option<PrivateKey> {
    let mut reader = Reader::new(bytes).sequence()?;
    reader.integer()?;
    let mut algorithm = reader.sequence()?;
    let kind = algorithm.expect(der::OID)?.content;
    let key = reader.expect(der::OCTET_STRING)?.content;
    match kind {
        OID_RSA => Rsa::from_der(key),
        OID_EC if algorithm.expect(der::OID)?.content == OID_P256 => from_sec1(key),
        OID_ED25519 => {
            let secret = Reader::new(key).expect(der::OCTET_STRING)?.content.try_into().ok()?;
            Some(PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(secret))))
        }
        _ => None,
    }
}

fn dsa_from_der(bytes: &[u8]) -> Option<PrivateKey> {
    let mut reader = Reader::new(bytes).sequence()?;
    reader.integer()?;
    let mut next = || reader.integer();
    Some(PrivateKey::Dsa(Box::new([next()?, next()?, next()?, next()?, next()?])))
}
