//! Proofs made by the real tools, recorded by `record.sh`, and every way in which one can fail.

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/src/source/charts/verify/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).expect("the fixture is text")
}

const FILE: &str = "signed-1.2.3.tgz";

#[track_caller]
fn proves(archive: &[u8], file: &str, provenance: &[u8], keyring: &[u8], expected: Result<(), &str>) {
    match (provenance::check(archive, file, provenance, keyring), expected) {
        (Ok(()), Ok(())) => {}
        (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
}

#[test]
fn a_provenance_file_of_helm_proves_its_archive_and_no_other() {
    let (archive, provenance) = (fixture(FILE), fixture("signed-1.2.3.tgz.prov"));
    for keyring in ["publisher.asc", "publisher.gpg", "both.asc"] {
        proves(&archive, FILE, &provenance, &fixture(keyring), Ok(()));
    }
    // A subkey that signs for its key.
    proves(&archive, FILE, &fixture("by_subkey.prov"), &fixture("subkey.asc"), Ok(()));
    let publisher = fixture("publisher.asc");
    let check = |provenance: &[u8], part: &str| proves(&archive, FILE, provenance, &publisher, Err(part));
    proves(
        b"other",
        FILE,
        &provenance,
        &publisher,
        Err("it was changed after it was signed: signed is sha256:"),
    );
    proves(
        &archive,
        "other-1.0.0.tgz",
        &provenance,
        &publisher,
        Err("speaks of signed-1.2.3.tgz, not of other-1.0.0.tgz"),
    );
    check(
        text("signed-1.2.3.tgz.prov").replace("signed-1.2.3.tgz:", "other.tgz:").as_bytes(),
        "no valid signature",
    );
    check(b"files: {}", "no clear-signed text");
    check(b"\xff\xfe", "is no text");
}

#[test]
fn keys_that_are_others_revoked_or_expired_count_for_nothing() {
    let (archive, provenance) = (fixture(FILE), fixture("signed-1.2.3.tgz.prov"));
    let check = |keyring: &str, provenance: &[u8], part: &str| {
        proves(&archive, FILE, provenance, &fixture(keyring), Err(part));
    };
    check("stranger.asc", &provenance, "no valid signature by a key of the keyring; it names");
    check("revoked.asc", &provenance, "no valid signature");
    check("expired.asc", &fixture("by_expired.prov"), "no valid signature");
    check("cosign.pub", &provenance, "the keyring cannot be read: it holds no public key");
    proves(&archive, FILE, &provenance, b"", Err("it holds no public key"));
}

#[track_caller]
fn cosigns(manifest: &Digest, signatures: &[Signature], key: &str, expected: Result<(), &str>) {
    match (cosign::check(manifest, signatures, key), expected) {
        (Ok(()), Ok(())) => {}
        (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
}

#[test]
fn a_signature_of_cosigns_form_proves_its_manifest_and_no_other() {
    let manifest = Digest::of(b"the manifest");
    let signature =
        |payload: &str, signature: &str| Signature { payload: fixture(payload), signature: text(signature) };
    let signed = || signature("payload.json", "payload.sig");
    for (key, file) in [
        ("cosign.pub", "payload.sig"),
        ("rsa.pub", "payload.rsa.sig"),
        ("ed25519.pub", "payload.ed25519.sig"),
        ("p384.pub", "payload.p384.sig"),
    ] {
        cosigns(&manifest, &[signature("payload.json", file)], &text(key), Ok(()));
    }
    let key = text("cosign.pub");
    cosigns(&manifest, &[], &key, Err("it is not signed"));
    cosigns(&manifest, &[signed()], &text("rsa.pub"), Err("by another key"));
    cosigns(&manifest, &[signature("payload.json", "payload.rsa.sig"), signed()], &key, Ok(()));
    cosigns(
        &Digest::of(b"other"),
        &[signed()],
        &key,
        Err("its signature is of another manifest: signed is sha256:"),
    );
    let changed =
        Signature { payload: text("payload.json").replace("sha256:", "sha256:0").into_bytes(), ..signed() };
    cosigns(&manifest, &[changed], &key, Err("was changed"));
    cosigns(&manifest, &[Signature { signature: "*".into(), ..signed() }], &key, Err("by another key"));
    cosigns(&manifest, &[signature("other.json", "other.sig")], &key, Err("something else than a manifest"));
    cosigns(&manifest, &[signed()], "x", Err("is no public key in PEM"));
    cosigns(&manifest, &[signed()], "-----BEGIN PRIVATE KEY-----", Err("is a private key"));
}

#[test]
fn a_folder_and_a_chart_without_proof_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let charts = super::super::tests::charts(&folder, Vec::new());
    let verify = Verify { keyring: Some(fixture("publisher.asc")), cosign_key: None };
    let refused = |path: &Path, verify: &Verify| {
        let error = verify.archive(&charts, &Origin::Path(path.to_owned())).unwrap_err();
        assert!(matches!(error, SourceError::Unverified { .. }) && error.hint().is_some(), "{error}");
        error.to_string()
    };
    assert!(refused(folder.path(), &verify).contains("nobody signs a folder"));
    let packed = folder.path().join(FILE);
    std::fs::write(&packed, fixture(FILE)).unwrap();
    assert!(refused(&packed, &verify).contains("there is no provenance file"));
    std::fs::write(folder.path().join(format!("{FILE}.prov")), fixture("signed-1.2.3.tgz.prov")).unwrap();
    assert_eq!(verify.archive(&charts, &Origin::Path(packed.clone())).unwrap(), fixture(FILE));
    let cosign = Verify { cosign_key: Some(text("cosign.pub")), ..verify };
    assert!(refused(&packed, &cosign).contains("registries"));
}
