//! What every place keeps: the suite that each kind of delivery runs in its own tests.

use std::time::Duration;

use super::{Delivery, DeliveryError, Existing, FileIds, Instant, Owner, Parcel};

/// Runs the whole contract on an empty place.
pub(crate) async fn keeps_the_contract(place: &impl Delivery) {
    let (ours, others) = (owner("dns"), owner("web"));
    reads_absence_as_absence(place).await;
    let first = delivers_and_reads_back(place, &ours).await;
    delivering_the_same_again_changes_nothing(place, &ours, &first.files, &first.revision).await;
    refuses_others(place, &others).await;
    refuses_what_changed_meanwhile(place, &ours).await;
    lists_what_is_there(place, &ours, &first.files).await;
    let last = replaces_and_deletes(place, &ours, first.files).await;
    withdraws_twice(place, &ours, last).await;
}

pub(crate) fn owner(name: &str) -> Owner {
    Owner { kind: Default::default(), cluster: "pre".into(), namespace: "n".into(), name: name.into() }
}

pub(crate) fn parcel(owner: &Owner, files: &[(&str, &str)], delivered: &FileIds) -> Parcel {
    let files =
        files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec())).collect();
    Parcel { owner: owner.clone(), files, delivered: delivered.clone(), existing: Existing::Refuse }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

async fn reads_absence_as_absence(place: &impl Delivery) {
    let asked = FileIds::from([("a.yaml".to_owned(), "0".repeat(40))]);
    let reading = place.read(&asked, soon()).await.unwrap();
    assert_eq!(reading.files["a.yaml"], None);
    assert!(place.list(soon()).await.unwrap().is_empty());
}

async fn delivers_and_reads_back(place: &impl Delivery, owner: &Owner) -> super::Receipt {
    let files = [("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n")];
    let receipt = place.deliver(parcel(owner, &files, &FileIds::new()), soon()).await.unwrap();
    assert_eq!(receipt.files.keys().collect::<Vec<_>>(), ["a.yaml", "b.yaml"]);
    let reading = place.read(&receipt.files, soon()).await.unwrap();
    assert_eq!(reading.revision.as_deref(), Some(receipt.revision.as_str()));
    for (name, id) in &receipt.files {
        let found = reading.files[name].as_ref().unwrap();
        assert_eq!((&found.id, &found.changed), (id, &None));
    }
    let unknown = receipt.files.keys().map(|name| (name.clone(), "0".repeat(40))).collect();
    let reading = place.read(&unknown, soon()).await.unwrap();
    let content = reading.files["a.yaml"].clone().unwrap().changed.unwrap();
    assert!(content.ends_with(b"a: 1\n") && Owner::of(&content).as_ref() == Some(owner));
    receipt
}

async fn delivering_the_same_again_changes_nothing(
    place: &impl Delivery,
    owner: &Owner,
    delivered: &FileIds,
    revision: &str,
) {
    let files = [("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n")];
    for known in [delivered, &FileIds::new()] {
        let receipt = place.deliver(parcel(owner, &files, known), soon()).await.unwrap();
        assert_eq!((receipt.revision.as_str(), &receipt.files), (revision, delivered));
    }
}

async fn refuses_others(place: &impl Delivery, other: &Owner) {
    let error =
        place.deliver(parcel(other, &[("a.yaml", "a: 9\n")], &FileIds::new()), soon()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Foreign { .. } | DeliveryError::Claimed { .. }), "{error}");
}

async fn refuses_what_changed_meanwhile(place: &impl Delivery, owner: &Owner) {
    let stale = FileIds::from([("a.yaml".to_owned(), "0".repeat(40))]);
    for files in [&[("a.yaml", "a: 9\n")][..], &[]] {
        let error = place.deliver(parcel(owner, files, &stale), soon()).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Changed { .. }), "{error}");
    }
}

async fn lists_what_is_there(place: &impl Delivery, owner: &Owner, delivered: &FileIds) {
    let listed = place.list(soon()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].owner, &listed[0].files), (owner, delivered));
}

async fn replaces_and_deletes(place: &impl Delivery, owner: &Owner, delivered: FileIds) -> FileIds {
    let files = [("a.yaml", "a: 2\n"), ("c.yaml", "c: 1\n")];
    let receipt = place.deliver(parcel(owner, &files, &delivered), soon()).await.unwrap();
    let asked: FileIds = delivered.into_iter().chain(receipt.files.clone()).collect();
    let reading = place.read(&asked, soon()).await.unwrap();
    assert_eq!(reading.files["b.yaml"], None);
    assert_eq!(reading.files["a.yaml"].as_ref().unwrap().changed, None);
    assert_eq!(reading.files["c.yaml"].as_ref().unwrap().changed, None);
    receipt.files
}

async fn withdraws_twice(place: &impl Delivery, owner: &Owner, delivered: FileIds) {
    for _ in 0..2 {
        place.withdraw(owner, &delivered, soon()).await.unwrap();
        let reading = place.read(&delivered, soon()).await.unwrap();
        assert!(reading.files.values().all(Option::is_none));
    }
}
