//! ListObjectsV2, ListObjects and ListObjectVersions.

use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, ETag, EncodingType, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object as ListedObject, ObjectStorageClass, ObjectVersion,
    ObjectVersionStorageClass,
};
use s3s::{S3Response, S3Result, s3_error};

use super::backend::{Backend, owner};
use super::encode::{from_token, percent_encode, to_token};
use super::list::{Listed, versions};
use super::store::{Object, Version};
use crate::loopback::list::{self, Entry, Query};

type Page = list::Page<Version>;

/// The keys of a page at most.
const MAX_KEYS: i32 = 1000;

impl Backend {
    pub(super) fn list_v2(
        &self,
        input: ListObjectsV2Input,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let max_keys = page_size(input.max_keys)?;
        let after = match &input.continuation_token {
            None => input.start_after.clone().unwrap_or_default(),
            Some(token) => from_token(token).ok_or_else(|| {
                s3_error!(InvalidArgument, "The continuation token provided is incorrect")
            })?,
        };
        let page = self.page(
            &input.bucket,
            input.prefix.as_ref(),
            input.delimiter.as_ref(),
            after,
            max_keys,
        )?;
        let text = Encoder::new(input.encoding_type.as_ref())?;
        let owner = (input.fetch_owner == Some(true)).then(owner);
        let (mut contents, common_prefixes) = entries(&page, text);
        for object in &mut contents {
            object.owner.clone_from(&owner);
        }
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(page.entries.len()).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_deref().map(to_token),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            name: Some(input.bucket),
            prefix: Some(text.of(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.as_deref().map(|delimiter| text.of(delimiter)),
            max_keys: Some(max_keys),
            continuation_token: input.continuation_token,
            start_after: input.start_after.as_deref().map(|key| text.of(key)),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    pub(super) fn list_v1(
        &self,
        input: ListObjectsInput,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let max_keys = page_size(input.max_keys)?;
        let after = input.marker.clone().unwrap_or_default();
        let page = self.page(
            &input.bucket,
            input.prefix.as_ref(),
            input.delimiter.as_ref(),
            after,
            max_keys,
        )?;
        let text = Encoder::new(input.encoding_type.as_ref())?;
        let (mut contents, common_prefixes) = entries(&page, text);
        for object in &mut contents {
            object.owner = Some(owner());
        }
        let next = page.next.as_deref().filter(|_| input.delimiter.is_some());
        Ok(S3Response::new(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            next_marker: next.map(|name| text.of(name)),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            name: Some(input.bucket),
            prefix: Some(text.of(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.as_deref().map(|delimiter| text.of(delimiter)),
            marker: Some(text.of(&input.marker.unwrap_or_default())),
            max_keys: Some(max_keys),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    fn page(
        &self,
        bucket: &str,
        prefix: Option<&String>,
        delimiter: Option<&String>,
        after: String,
        max_keys: i32,
    ) -> S3Result<Page> {
        let query = Query {
            prefix: prefix.cloned().unwrap_or_default(),
            delimiter: delimiter.cloned().unwrap_or_default(),
            after,
            max: usize::try_from(max_keys).unwrap_or_default(),
        };
        let store = self.store();
        Ok(list::page(&store.bucket(bucket)?.keys, |version| version.object.is_some(), &query))
    }

    pub(super) fn list_versions(
        &self,
        input: ListObjectVersionsInput,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "versions are listed without a delimiter"));
        }
        let max_keys = page_size(input.max_keys)?;
        let text = Encoder::new(input.encoding_type.as_ref())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let mut listed = versions(self.store().bucket(&input.bucket)?, &prefix);
        let marker = (input.key_marker.as_deref(), input.version_id_marker.as_deref());
        listed.drain(..first_behind(&listed, marker));
        let rest =
            listed.split_off(listed.len().min(usize::try_from(max_keys).unwrap_or_default()));
        let last = listed.last().filter(|_| !rest.is_empty());
        let next_key_marker = last.map(|listed| text.of(&listed.key));
        let next_version_id_marker = last.map(|listed| listed.version.id.clone());
        let (versions, markers): (Vec<_>, Vec<_>) =
            listed.iter().partition(|listed| listed.version.object.is_some());
        Ok(S3Response::new(ListObjectVersionsOutput {
            versions: Some(
                versions.into_iter().map(|listed| version_entry(listed, text)).collect(),
            ),
            delete_markers: Some(
                markers.into_iter().map(|listed| marker_entry(listed, text)).collect(),
            ),
            is_truncated: Some(!rest.is_empty()),
            next_key_marker,
            next_version_id_marker,
            name: Some(input.bucket),
            prefix: Some(text.of(&prefix)),
            max_keys: Some(max_keys),
            key_marker: input.key_marker.as_deref().map(|key| text.of(key)),
            version_id_marker: input.version_id_marker,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }
}

/// The index of the first version behind the marker.
fn first_behind(listed: &[Listed], (key, version): (Option<&str>, Option<&str>)) -> usize {
    let Some(key) = key else {
        return 0;
    };
    let exact =
        listed.iter().position(|listed| listed.key == key && Some(&*listed.version.id) == version);
    exact.map_or_else(|| listed.partition_point(|listed| *listed.key <= *key), |at| at + 1)
}

fn page_size(max_keys: Option<i32>) -> S3Result<i32> {
    match max_keys.unwrap_or(MAX_KEYS) {
        ..0 => Err(s3_error!(InvalidArgument, "max-keys is negative")),
        size => Ok(size.min(MAX_KEYS)),
    }
}

/// Names as they are, or percent-encoded for clients whose XML cannot have every character.
#[derive(Debug, Clone, Copy)]
struct Encoder {
    encodes: bool,
}

impl Encoder {
    fn new(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { encodes: false }),
            Some(EncodingType::URL) => Ok(Self { encodes: true }),
            Some(_) => {
                Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request"))
            }
        }
    }

    fn of(self, name: &str) -> String {
        if self.encodes { percent_encode(name) } else { name.to_owned() }
    }
}

fn entries(page: &Page, text: Encoder) -> (Vec<ListedObject>, Vec<CommonPrefix>) {
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    for entry in &page.entries {
        match entry {
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(text.of(prefix)) }),
            Entry::Key(key, version) => contents.extend(object_entry(key, version, text)),
        }
    }
    (contents, prefixes)
}

fn object_entry(key: &str, version: &Version, text: Encoder) -> Option<ListedObject> {
    let object = version.object.as_ref()?;
    Some(ListedObject {
        key: Some(text.of(key)),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(version.modified.into()),
        size: size(object),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    })
}

fn version_entry(listed: &Listed, text: Encoder) -> ObjectVersion {
    let object = listed.version.object.as_ref();
    let class = ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD);
    ObjectVersion {
        key: Some(text.of(&listed.key)),
        version_id: Some(listed.version.id.clone()),
        is_latest: Some(listed.latest),
        last_modified: Some(listed.version.modified.into()),
        e_tag: object.map(|object| ETag::Strong(object.etag.clone())),
        size: object.and_then(|object| size(object)),
        owner: Some(owner()),
        storage_class: Some(class),
        ..Default::default()
    }
}

fn marker_entry(listed: &Listed, text: Encoder) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        key: Some(text.of(&listed.key)),
        version_id: Some(listed.version.id.clone()),
        is_latest: Some(listed.latest),
        last_modified: Some(listed.version.modified.into()),
        owner: Some(owner()),
    }
}

fn size(object: &Object) -> Option<i64> {
    i64::try_from(object.body.len()).ok()
}
