"""Drives the loopback S3 server with boto3 and expects what AWS documents.

The environment names the server (LOOPBACK_S3_*). The first thing that differs ends the program with a
line that says so; at the end stands how many checks ran. Keys below "fault/" are struck by faults that
the test has switched on, see loopback_s3.rs.
"""

import base64
import hashlib
import os
import threading
import urllib.error
import urllib.request
import zlib

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError, ResponseStreamingError

ENV = {name[len("LOOPBACK_S3_"):].lower(): value for name, value in os.environ.items() if name.startswith("LOOPBACK_S3_")}
BUCKET, VERSIONED = ENV["bucket"], ENV["versioned_bucket"]
CHECKS = 0


def check(what, found, expected):
    global CHECKS
    CHECKS += 1
    if found != expected:
        raise SystemExit(f"{what}: found {found!r}, expected {expected!r}")


def client(access_key=ENV["access_key"], secret_key=ENV["secret_key"], token=None, region=ENV["region"], **config):
    return boto3.client(
        "s3",
        endpoint_url=ENV["endpoint"],
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        config=Config(
            retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, max_pool_connections=40, **config
        ),
    )


def refused(call, /, **arguments):
    """Status and code of a refusal; of a success, the status and None."""
    try:
        reply = call(**arguments)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return reply["ResponseMetadata"]["HTTPStatusCode"], None


def etag_of(body):
    return '"' + hashlib.md5(body).hexdigest() + '"'


def operations(s3):
    put = s3.put_object(Bucket=BUCKET, Key="op/a", Body=b"hello", ContentType="text/plain", Metadata={"one": "1", "two": "2 3"})
    check("etag of a put", put["ETag"], etag_of(b"hello"))
    check("version of a put", "VersionId" in put, False)
    got = s3.get_object(Bucket=BUCKET, Key="op/a")
    check("body", got["Body"].read(), b"hello")
    check("length", got["ContentLength"], 5)
    check("type", got["ContentType"], "text/plain")
    check("metadata", got["Metadata"], {"one": "1", "two": "2 3"})
    check("etag of a get", got["ETag"], etag_of(b"hello"))
    head = s3.head_object(Bucket=BUCKET, Key="op/a")
    for field in ("ContentLength", "ContentType", "Metadata", "ETag", "LastModified"):
        check("head " + field, head[field], got[field])
    check("modified in whole seconds", got["LastModified"].microsecond, 0)

    for sent, body, text in [
        ("bytes=1-3", b"ell", "bytes 1-3/5"),
        ("bytes=3-", b"lo", "bytes 3-4/5"),
        ("bytes=-2", b"lo", "bytes 3-4/5"),
        ("bytes=2-99", b"llo", "bytes 2-4/5"),
    ]:
        part = s3.get_object(Bucket=BUCKET, Key="op/a", Range=sent)
        found = (part["ResponseMetadata"]["HTTPStatusCode"], part["Body"].read(), part["ContentRange"])
        check("range " + sent, found, (206, body, text))
    check("range behind the end", refused(s3.get_object, Bucket=BUCKET, Key="op/a", Range="bytes=5-"), (416, "InvalidRange"))

    copied = s3.copy_object(Bucket=BUCKET, Key="op/b", CopySource={"Bucket": BUCKET, "Key": "op/a"})
    check("copy", copied["CopyObjectResult"]["ETag"], etag_of(b"hello"))
    check("metadata goes along", s3.head_object(Bucket=BUCKET, Key="op/b")["Metadata"], {"one": "1", "two": "2 3"})
    s3.copy_object(
        Bucket=BUCKET, Key="op/b", CopySource={"Bucket": BUCKET, "Key": "op/b"}, Metadata={"new": "x"}, MetadataDirective="REPLACE"
    )
    check("metadata replaced", s3.head_object(Bucket=BUCKET, Key="op/b")["Metadata"], {"new": "x"})
    onto_itself = refused(s3.copy_object, Bucket=BUCKET, Key="op/b", CopySource={"Bucket": BUCKET, "Key": "op/b"})
    check("copy onto itself", onto_itself, (400, "InvalidRequest"))
    missing = refused(s3.copy_object, Bucket=BUCKET, Key="op/c", CopySource={"Bucket": BUCKET, "Key": "op/none"})
    check("copy of nothing", missing, (404, "NoSuchKey"))
    unmet = refused(
        s3.copy_object, Bucket=BUCKET, Key="op/c", CopySource={"Bucket": BUCKET, "Key": "op/a"}, CopySourceIfMatch='"0"'
    )
    check("copy of another version", unmet, (412, "PreconditionFailed"))

    check("delete", s3.delete_object(Bucket=BUCKET, Key="op/b")["ResponseMetadata"]["HTTPStatusCode"], 204)
    check("delete again", s3.delete_object(Bucket=BUCKET, Key="op/b")["ResponseMetadata"]["HTTPStatusCode"], 204)
    check("get what is gone", refused(s3.get_object, Bucket=BUCKET, Key="op/b"), (404, "NoSuchKey"))
    check("head what is gone", refused(s3.head_object, Bucket=BUCKET, Key="op/b"), (404, "404"))

    for name in ("op/x", "op/y"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"")
    many = [{"Key": name} for name in ("op/x", "op/y", "op/none")]
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": many})
    check("delete many", [entry["Key"] for entry in gone["Deleted"]], ["op/x", "op/y", "op/none"])
    check("without errors", "Errors" in gone, False)
    quiet = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": many, "Quiet": True})
    check("quietly", "Deleted" in quiet, False)

    check("head bucket", s3.head_bucket(Bucket=BUCKET)["BucketRegion"], ENV["region"])
    check("location", s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], ENV["region"])
    check("buckets", [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]], [BUCKET, VERSIONED])
    check("never versioned", "Status" in s3.get_bucket_versioning(Bucket=BUCKET), False)


def conditions(s3):
    def put(key="c/a", body=b"1", **conditions):
        return refused(s3.put_object, Bucket=BUCKET, Key=key, Body=body, **conditions)

    check("create", put(IfNoneMatch="*"), (200, None))
    check("create again", put(body=b"2", IfNoneMatch="*"), (412, "PreconditionFailed"))
    check("old bytes stay", s3.get_object(Bucket=BUCKET, Key="c/a")["Body"].read(), b"1")
    check("create unless this tag", put(IfNoneMatch='"0"'), (501, "NotImplemented"))
    check("replace", put(body=b"2", IfMatch=etag_of(b"1")), (200, None))
    check("replace what changed", put(body=b"3", IfMatch=etag_of(b"1")), (412, "PreconditionFailed"))
    check("replace without quotes", put(body=b"3", IfMatch=etag_of(b"2").strip('"')), (200, None))
    check("replace nothing", put(key="c/none", IfMatch=etag_of(b"1")), (404, "NoSuchKey"))
    check("nothing was written", refused(s3.head_object, Bucket=BUCKET, Key="c/none"), (404, "404"))

    def copy(key, **conditions):
        return refused(s3.copy_object, Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": "c/a"}, **conditions)

    if "IfNoneMatch" in s3.meta.service_model.operation_model("CopyObject").input_shape.members:
        check("copy to nothing", copy("c/copy", IfNoneMatch="*"), (200, None))
        check("copy over", copy("c/copy", IfNoneMatch="*"), (412, "PreconditionFailed"))
        check("copy over the right one", copy("c/copy", IfMatch=etag_of(b"3")), (200, None))
        check("copy over a wrong one", copy("c/copy", IfMatch=etag_of(b"1")), (412, "PreconditionFailed"))

    for call in (s3.get_object, s3.head_object):
        name = call.__name__
        # A reply to HEAD has no body, so boto3 has only the status to go by.
        unmet = "PreconditionFailed" if call == s3.get_object else "412"
        check(name + " unchanged", refused(call, Bucket=BUCKET, Key="c/a", IfNoneMatch=etag_of(b"3")), (304, "304"))
        check(name + " changed", refused(call, Bucket=BUCKET, Key="c/a", IfNoneMatch=etag_of(b"1")), (200, None))
        check(name + " the right one", refused(call, Bucket=BUCKET, Key="c/a", IfMatch=etag_of(b"3")), (200, None))
        check(name + " a wrong one", refused(call, Bucket=BUCKET, Key="c/a", IfMatch=etag_of(b"1")), (412, unmet))
        modified = s3.head_object(Bucket=BUCKET, Key="c/a")["LastModified"]
        check(name + " since", refused(call, Bucket=BUCKET, Key="c/a", IfModifiedSince=modified), (304, "304"))
        check(name + " not since", refused(call, Bucket=BUCKET, Key="c/a", IfUnmodifiedSince=modified), (200, None))

    def delete(key="c/a", **conditions):
        return refused(s3.delete_object, Bucket=BUCKET, Key=key, **conditions)

    check("delete a wrong one", delete(IfMatch=etag_of(b"1")), (412, "PreconditionFailed"))
    check("it stays", refused(s3.head_object, Bucket=BUCKET, Key="c/a"), (200, None))
    check("delete the right one", delete(IfMatch=etag_of(b"3")), (204, None))
    check("delete nothing", delete(IfMatch=etag_of(b"3")), (204, None))
    s3.put_object(Bucket=BUCKET, Key="c/a", Body=b"1")
    check("delete any", delete(IfMatch="*"), (204, None))
    s3.put_object(Bucket=BUCKET, Key="c/a", Body=b"1")
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "c/a", "ETag": etag_of(b"2")}]})
    check("delete many, a wrong one", [entry["Code"] for entry in gone["Errors"]], ["PreconditionFailed"])
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "c/a", "ETag": etag_of(b"1")}]})
    check("delete many, the right one", [entry["Key"] for entry in gone["Deleted"]], ["c/a"])


def race(racers, attempt):
    """All at once behind a barrier; gives each one's answer."""
    barrier, answers = threading.Barrier(racers), [None] * racers

    def run(number):
        barrier.wait()
        try:
            answers[number] = attempt(number)
        except Exception as error:  # a thread's exception would go unseen
            answers[number] = repr(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def races(s3, bucket, racers=32, rounds=8):
    won, lost = (200, None), (412, "PreconditionFailed")
    for turn in range(rounds):
        key = f"race/{turn}"

        def create(number):
            return refused(s3.put_object, Bucket=bucket, Key=key, Body=b"create %d" % number, IfNoneMatch="*")

        def update(number):
            return refused(s3.put_object, Bucket=bucket, Key=key, Body=b"update %d" % number, IfMatch=before)

        def delete(number):
            return refused(s3.delete_object, Bucket=bucket, Key=key, IfMatch=before)

        for name, attempt in (("create", create), ("update", update)):
            answers = race(racers, attempt)
            check(f"{name} winners in round {turn}", answers.count(won), 1)
            check(f"{name} losers in round {turn}", answers.count(lost), racers - 1)
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            check("the winner's bytes", body, b"%s %d" % (name.encode(), answers.index(won)))
            before = etag_of(body)
        check("deletes of one version", set(race(racers, delete)), {(204, None)})


def lists(s3):
    names = sorted([f"list/d{n % 5}/k{n:04}" for n in range(1100)] + [f"list/f{n}" for n in range(5)])

    def put_every(first):
        for name in names[first::16]:
            s3.put_object(Bucket=BUCKET, Key=name, Body=name.encode())

    race(16, put_every)

    def walk(**arguments):
        keys, prefixes, sizes = [], [], []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, **arguments):
            keys += [entry["Key"] for entry in page.get("Contents", [])]
            prefixes += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
            sizes.append(page["KeyCount"])
        return keys, prefixes, sizes

    check("all keys", walk(Prefix="list/"), (names, [], [1000, 105]))
    check("pages of 400", walk(Prefix="list/", PaginationConfig={"PageSize": 400}), (names, [], [400, 400, 305]))
    files, folders = [f"list/f{n}" for n in range(5)], [f"list/d{n}/" for n in range(5)]
    check("one level", walk(Prefix="list/", Delimiter="/"), (files, folders, [10]))
    by_three = walk(Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 3})
    check("one level in pages", by_three, (files, folders, [3, 3, 3, 1]))
    check("below one", walk(Prefix="list/d3/", Delimiter="/")[0], [name for name in names if name.startswith("list/d3/")])
    check("start after", walk(Prefix="list/", StartAfter=names[500])[0], names[501:])
    check("start after nothing there", walk(Prefix="list/", StartAfter="list/f1x")[0], files[2:])
    check("no such prefix", walk(Prefix="nothing/"), ([], [], [0]))
    check("part of a name", walk(Prefix="list/f")[0], files)
    check("two letters as delimiter", walk(Prefix="list/d0", Delimiter="/k")[1], ["list/d0/k"])

    page = s3.list_objects_v2(Bucket=BUCKET, Prefix="list/f", MaxKeys=2)
    check("truncated", (page["IsTruncated"], page["KeyCount"], page["MaxKeys"]), (True, 2, 2))
    check("entry", (page["Contents"][0]["Size"], page["Contents"][0]["ETag"]), (7, etag_of(b"list/f0")))
    check("no owner", "Owner" in page["Contents"][0], False)
    check("owner", "Owner" in s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1, FetchOwner=True)["Contents"][0], True)
    check("at most 1000", s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", MaxKeys=5000)["KeyCount"], 1000)
    check("none asked", s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", MaxKeys=0)["IsTruncated"], False)
    wrong = refused(s3.list_objects_v2, Bucket=BUCKET, ContinuationToken="nonsense")
    check("foreign token", wrong, (400, "InvalidArgument"))

    first = [entry["Key"] for page in s3.get_paginator("list_objects").paginate(Bucket=BUCKET, Prefix="list/") for entry in page["Contents"]]
    check("all keys, first version", first, names)
    page = s3.list_objects(Bucket=BUCKET, Prefix="list/", Delimiter="/", MaxKeys=5)
    check("next marker", (page["IsTruncated"], page["NextMarker"]), (True, "list/d4/"))
    page = s3.list_objects(Bucket=BUCKET, Prefix="list/", Delimiter="/", Marker=page["NextMarker"])
    check("behind the marker", [entry["Key"] for entry in page["Contents"]], files)
    check("no prefixes behind it", "CommonPrefixes" in page, False)


def rights(s3):
    both = [("get", lambda s3: refused(s3.get_object, Bucket=BUCKET, Key="r/a")), ("put", lambda s3: refused(s3.put_object, Bucket=BUCKET, Key="r/a", Body=b"1"))]
    s3.put_object(Bucket=BUCKET, Key="r/a", Body=b"1")
    for name, call in both:
        check(name + ", wrong secret", call(client(secret_key="wrong")), (403, "SignatureDoesNotMatch"))
        check(name + ", unknown key", call(client(access_key="AKIAUNKNOWN")), (403, "InvalidAccessKeyId"))
        check(name + ", unsigned", call(client(signature_version=UNSIGNED)), (403, "AccessDenied"))
        check(name + ", other region", call(client(region="us-west-2")), (400, "AuthorizationHeaderMalformed"))
        check(name + ", second version signature", call(client(signature_version="s3"))[0], 403)
        token = client(ENV["token_access_key"], ENV["token_secret_key"], ENV["session_token"])
        check(name + ", session token", call(token), (200, None))
        no_token = client(ENV["token_access_key"], ENV["token_secret_key"])
        check(name + ", without its token", call(no_token), (400, "InvalidToken"))
    check("head, wrong secret", refused(client(secret_key="wrong").head_object, Bucket=BUCKET, Key="r/a"), (403, "403"))

    reader = client(ENV["reader_access_key"], ENV["reader_secret_key"])
    check("reader gets", refused(reader.get_object, Bucket=BUCKET, Key="r/a"), (200, None))
    check("reader lists", refused(reader.list_objects_v2, Bucket=BUCKET), (200, None))
    for name, call in [
        ("puts", lambda: refused(reader.put_object, Bucket=BUCKET, Key="r/a", Body=b"2")),
        ("deletes", lambda: refused(reader.delete_object, Bucket=BUCKET, Key="r/a")),
        ("deletes many", lambda: refused(reader.delete_objects, Bucket=BUCKET, Delete={"Objects": [{"Key": "r/a"}]})),
        ("copies", lambda: refused(reader.copy_object, Bucket=BUCKET, Key="r/b", CopySource={"Bucket": BUCKET, "Key": "r/a"})),
    ]:
        check("reader " + name, call(), (403, "AccessDenied"))
    check("it is as it was", s3.get_object(Bucket=BUCKET, Key="r/a")["Body"].read(), b"1")

    none = "no-such-bucket"
    for name, call in [
        ("get", lambda: refused(s3.get_object, Bucket=none, Key="a")),
        ("put", lambda: refused(s3.put_object, Bucket=none, Key="a", Body=b"")),
        ("delete", lambda: refused(s3.delete_object, Bucket=none, Key="a")),
        ("list", lambda: refused(s3.list_objects_v2, Bucket=none)),
    ]:
        check(name + " in no bucket", call(), (404, "NoSuchBucket"))
    check("head of no bucket", refused(s3.head_bucket, Bucket=none), (404, "404"))

    url = client(signature_version="s3v4").generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "r/a"}, ExpiresIn=60)
    check("presigned", urllib.request.urlopen(url, timeout=10).read(), b"1")
    try:
        urllib.request.urlopen(url.replace("r/a", "r/b"), timeout=10)
        check("presigned for another key", "granted", "refused")
    except urllib.error.HTTPError as error:
        check("presigned for another key", error.code, 403)


def versions(s3):
    def put(body, **conditions):
        return s3.put_object(Bucket=VERSIONED, Key="v/a", Body=body, **conditions)

    check("status", s3.get_bucket_versioning(Bucket=VERSIONED)["Status"], "Enabled")
    first = put(b"1", IfNoneMatch="*")["VersionId"]
    check("create again", refused(put, body=b"2", IfNoneMatch="*"), (412, "PreconditionFailed"))
    second = put(b"2", IfMatch=etag_of(b"1"))["VersionId"]
    check("another id", first == second, False)
    check("an old version's tag", refused(put, body=b"3", IfMatch=etag_of(b"1")), (412, "PreconditionFailed"))
    got = s3.get_object(Bucket=VERSIONED, Key="v/a")
    check("current", (got["Body"].read(), got["VersionId"]), (b"2", second))
    check("first", s3.get_object(Bucket=VERSIONED, Key="v/a", VersionId=first)["Body"].read(), b"1")
    none = refused(s3.get_object, Bucket=VERSIONED, Key="v/a", VersionId="v" + "f" * 16)
    check("no such version", none, (404, "NoSuchVersion"))

    wrong = refused(s3.delete_object, Bucket=VERSIONED, Key="v/a", IfMatch=etag_of(b"1"))
    check("delete by an old tag", wrong, (412, "PreconditionFailed"))
    marker = s3.delete_object(Bucket=VERSIONED, Key="v/a", IfMatch=etag_of(b"2"))
    check("marker", marker["DeleteMarker"], True)
    check("get under a marker", refused(s3.get_object, Bucket=VERSIONED, Key="v/a"), (404, "NoSuchKey"))
    try:
        s3.get_object(Bucket=VERSIONED, Key="v/a")
    except ClientError as error:
        check("marker's header", error.response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-delete-marker"), "true")
    of_marker = refused(s3.get_object, Bucket=VERSIONED, Key="v/a", VersionId=marker["VersionId"])
    check("get the marker", of_marker, (405, "MethodNotAllowed"))
    check("not listed", s3.list_objects_v2(Bucket=VERSIONED, Prefix="v/")["KeyCount"], 0)
    check("replace under a marker", refused(put, body=b"3", IfMatch=etag_of(b"2")), (404, "NoSuchKey"))
    third = put(b"3", IfNoneMatch="*")["VersionId"]

    listed = s3.list_object_versions(Bucket=VERSIONED, Prefix="v/")
    found = [(version["VersionId"], version["IsLatest"]) for version in listed["Versions"]]
    check("versions", found, [(third, True), (second, False), (first, False)])
    check("markers", [entry["VersionId"] for entry in listed["DeleteMarkers"]], [marker["VersionId"]])
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=VERSIONED, Prefix="v/", PaginationConfig={"PageSize": 1})
    found = [entry["VersionId"] for page in pages for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    check("one a page", found, [third, marker["VersionId"], second, first])

    gone = s3.delete_object(Bucket=VERSIONED, Key="v/a", VersionId=third)
    check("delete a version", (gone["VersionId"], "DeleteMarker" in gone), (third, False))
    check("the marker is current", refused(s3.head_object, Bucket=VERSIONED, Key="v/a"), (404, "404"))
    gone = s3.delete_object(Bucket=VERSIONED, Key="v/a", VersionId=marker["VersionId"])
    check("delete the marker", gone["DeleteMarker"], True)
    check("the second is current", s3.get_object(Bucket=VERSIONED, Key="v/a")["Body"].read(), b"2")


def checksums(s3):
    def digest(body, kind="md5"):
        raw = zlib.crc32(body).to_bytes(4, "big") if kind == "crc32" else hashlib.new(kind, body).digest()
        return base64.b64encode(raw).decode()

    def put(**arguments):
        return refused(s3.put_object, Bucket=BUCKET, Key="sum/a", Body=b"hello", **arguments)

    check("right MD5", put(ContentMD5=digest(b"hello")), (200, None))
    check("wrong MD5", put(ContentMD5=digest(b"hullo")), (400, "BadDigest"))
    check("no MD5", put(ContentMD5="aGVsbG8="), (400, "InvalidDigest"))
    for kind in ("crc32", "sha1", "sha256"):
        name = "Checksum" + kind.upper()
        check("wrong " + kind, put(**{name: digest(b"hullo", kind)}), (400, "BadDigest"))
        check("right " + kind, put(**{name: digest(b"hello", kind)}), (200, None))
        got = s3.get_object(Bucket=BUCKET, Key="sum/a", ChecksumMode="ENABLED")
        check(kind + " comes back", got[name], digest(b"hello", kind))
    plain = client(request_checksum_calculation="when_required")
    plain.put_object(Bucket=BUCKET, Key="sum/b", Body=b"123456789")
    added = plain.head_object(Bucket=BUCKET, Key="sum/b", ChecksumMode="ENABLED")["ChecksumCRC64NVME"]
    check("the checksum that S3 adds", added, "rosUhgp5mIg=")

    big = os.urandom(300_000)
    sent = s3.put_object(Bucket=BUCKET, Key="sum/c", Body=big, ChecksumAlgorithm="CRC32")
    check("sum of a big body", sent["ChecksumCRC32"], digest(big, "crc32"))
    check("big body", s3.get_object(Bucket=BUCKET, Key="sum/c")["Body"].read() == big, True)


def keys(s3):
    odd = ["p", "p/", "p/q", "p//q", "../p", "./p", "a b", "a+b", "a%41", "a&b=c", "a?b", "a#b", "\u00fc/\u4e16/\U0001f600", "*", "'\"<>", "~", "tab\tand\nline"]
    for name in odd:
        s3.put_object(Bucket=BUCKET, Key="odd/" + name, Body=name.encode())
    for name in odd:
        check("odd key " + name, s3.get_object(Bucket=BUCKET, Key="odd/" + name)["Body"].read(), name.encode())
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="odd/")["Contents"]]
    check("listed bytewise", listed, sorted(("odd/" + name for name in odd), key=str.encode))
    gone = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "odd/" + name} for name in odd[:-1]]})
    check("deleted", "Errors" in gone, False)
    left = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="odd/")["Contents"]]
    check("left", left, ["odd/" + odd[-1]])

    check("1,024 bytes", refused(s3.put_object, Bucket=BUCKET, Key="k" * 1024, Body=b""), (200, None))
    check("1,025 bytes", refused(s3.put_object, Bucket=BUCKET, Key="k" * 1025, Body=b""), (400, "KeyTooLongError"))
    wide = refused(s3.put_object, Bucket=BUCKET, Key="\u00fc" * 513, Body=b"")
    check("513 letters of two bytes", wide, (400, "KeyTooLongError"))
    much = refused(s3.put_object, Bucket=BUCKET, Key="meta", Body=b"", Metadata={"m": "x" * 2048})
    check("too much metadata", much, (400, "MetadataTooLarge"))
    check("just enough", refused(s3.put_object, Bucket=BUCKET, Key="meta", Body=b"", Metadata={"m": "x" * 2047}), (200, None))
    check("empty body", s3.get_object(Bucket=BUCKET, Key="meta")["Body"].read(), b"")


def faults(s3):
    def put(name, **conditions):
        try:
            return refused(s3.put_object, Bucket=BUCKET, Key="fault/" + name, Body=b"12345678", **conditions)
        except ConnectionClosedError:
            return "closed"

    def there(name):
        return refused(s3.head_object, Bucket=BUCKET, Key="fault/" + name)[0] == 200

    for name, answer, done in [
        ("conflict", (409, "ConditionalRequestConflict"), False),
        ("against-itself", (412, "PreconditionFailed"), True),
        ("internal-error", (500, "InternalError"), False),
        ("slow-down", (503, "SlowDown"), False),
        ("quota", (403, "QuotaExceeded"), False),
        ("lose-request", "closed", False),
        ("lose-reply", "closed", True),
    ]:
        check(name, put(name, IfNoneMatch="*"), answer)
        check(name + ": done", there(name), done)
        again = (412, "PreconditionFailed") if done else (200, None)
        check(name + ": once", put(name, IfNoneMatch="*"), again)
    check("conditions ignored", [put("ignored", IfNoneMatch="*") for _ in range(3)], [(200, None)] * 3)

    put("cut")
    try:
        s3.get_object(Bucket=BUCKET, Key="fault/cut")["Body"].read()
        check("cut body", "whole", "cut")
    except (IncompleteReadError, ResponseStreamingError) as error:
        check("cut body", "whole" in str(error), False)
    check("cut once", s3.get_object(Bucket=BUCKET, Key="fault/cut")["Body"].read(), b"12345678")


def main():
    s3 = client()
    operations(s3)
    conditions(s3)
    races(s3, BUCKET)
    races(s3, VERSIONED, rounds=3)
    lists(s3)
    rights(s3)
    versions(s3)
    checksums(s3)
    keys(s3)
    faults(s3)
    print(f"checks: {CHECKS}")


if __name__ == "__main__":
    main()
