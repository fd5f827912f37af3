"""Drives the loopback server of Google Cloud Storage with Google's own client and expects what Google documents.

The environment names the server (LOOPBACK_GCS_*). The first thing that differs ends the program with a
line that says so; at the end stands how many checks ran. Names below "fault/" and "retried/" are struck by
faults that the test has switched on, see loopback_gcs.rs.
"""

import base64
import hashlib
import io
import json
import os
import threading
import time

import google.auth.credentials
import google_crc32c
import grpc
import requests
from google.api_core import exceptions
from google.cloud import _storage_v2 as storage_v2
from google.cloud import storage
from google.cloud._storage_v2.services.storage.transports import StorageGrpcTransport
from google.cloud.storage.exceptions import InvalidResponse

ENV = {name[len("LOOPBACK_GCS_"):].lower(): value for name, value in os.environ.items() if name.startswith("LOOPBACK_GCS_")}
BUCKET, ENDPOINT = ENV["bucket"], ENV["endpoint"]
CHECKS = 0


def check(what, found, expected):
    global CHECKS
    CHECKS += 1
    if found != expected:
        raise SystemExit(f"{what}: found {found!r}, expected {expected!r}")


class Token(google.auth.credentials.Credentials):
    """A token that is what it is."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    @property
    def expired(self):
        return False

    @property
    def valid(self):
        return True

    def refresh(self, request):
        pass


def client(token=ENV["token"]):
    return storage.Client(project="loopback", credentials=Token(token), client_options={"api_endpoint": ENDPOINT})


def refused(call, /, *arguments, **named):
    """The status of a refusal; of a success, 200; of a closed connection, "closed"."""
    try:
        call(*arguments, **named)
    except exceptions.GoogleAPICallError as error:
        return int(error.code)
    except InvalidResponse as error:
        return error.response.status_code
    except requests.exceptions.ConnectionError:
        return "closed"
    return 200


def put(bucket, name, body=b"1", **conditions):
    blob = bucket.blob(name)
    conditions.setdefault("retry", None)
    blob.upload_from_string(body, **conditions)
    return blob


def operations(gcs):
    bucket = gcs.bucket(BUCKET)
    blob = bucket.blob("op/a")
    blob.metadata = {"one": "1", "two": "2 3"}
    blob.cache_control = "no-store"
    blob.upload_from_string(b"hello", content_type="text/plain")
    check("generation", blob.generation > 0, True)
    check("metageneration", blob.metageneration, 1)
    check("size", blob.size, 5)
    check("md5", blob.md5_hash, base64.b64encode(hashlib.md5(b"hello").digest()).decode())
    check("crc32c", base64.b64decode(blob.crc32c), google_crc32c.value(b"hello").to_bytes(4, "big"))
    check("body", blob.download_as_bytes(), b"hello")
    got = bucket.get_blob("op/a")
    for field in ("generation", "metageneration", "size", "md5_hash", "crc32c", "etag", "updated", "time_created", "id"):
        check("get " + field, getattr(got, field), getattr(blob, field))
    check("type", got.content_type, "text/plain")
    check("metadata", got.metadata, {"one": "1", "two": "2 3"})
    check("cache control", got.cache_control, "no-store")
    check("storage class", got.storage_class, "STANDARD")
    check("part", blob.download_as_bytes(start=1, end=3), b"ell")
    check("from the middle", blob.download_as_bytes(start=3), b"lo")
    check("behind the end", refused(blob.download_as_bytes, start=5, end=9, retry=None), 416)
    check("exists", (blob.exists(), bucket.blob("op/none").exists()), (True, False))
    check("nothing", bucket.get_blob("op/none"), None)
    check("read of nothing", refused(bucket.blob("op/none").download_as_bytes), 404)

    first = blob.generation
    blob.metadata = {"three": "3"}
    blob.patch()
    check("patched metageneration", (blob.generation, blob.metageneration), (first, 2))
    check("patched metadata", bucket.get_blob("op/a").metadata["three"], "3")
    check("type stays", bucket.get_blob("op/a").content_type, "text/plain")
    nothing = bucket.blob("op/none")
    nothing.metadata = {"a": "b"}
    check("patch of nothing", refused(nothing.patch), 404)
    again = put(bucket, "op/a", b"other")
    check("another generation", again.generation > first, True)
    check("metadata gone", bucket.get_blob("op/a").metadata, None)
    check("old generation", refused(bucket.blob("op/a", generation=first).download_as_bytes), 404)
    check("this generation", bucket.blob("op/a", generation=again.generation).download_as_bytes(), b"other")

    check("delete", refused(again.delete), 200)
    check("delete again", refused(bucket.blob("op/a").delete), 404)
    check("made anew", put(bucket, "op/a").generation > again.generation, True)
    check("empty", put(bucket, "op/empty", b"").download_as_bytes(), b"")
    binary = bytes(range(256)) * 40 + b"\r\n--===\r\n\r\n"
    check("any bytes", put(bucket, "op/binary", binary).download_as_bytes(), binary)
    check("bucket", gcs.get_bucket(BUCKET).name, BUCKET)
    check("no bucket", refused(gcs.get_bucket, "missing"), 404)
    check("read in no bucket", refused(gcs.bucket("missing").blob("a").download_as_bytes), 404)
    check("write in no bucket", refused(put, gcs.bucket("missing"), "a"), 404)
    check("list of no bucket", refused(lambda: list(gcs.list_blobs("missing"))), 404)


def conditions(gcs):
    bucket = gcs.bucket(BUCKET)
    first = put(bucket, "c/a", if_generation_match=0).generation
    check("create again", refused(put, bucket, "c/a", if_generation_match=0), 412)
    check("wrong generation", refused(put, bucket, "c/a", if_generation_match=first - 1), 412)
    check("generation of nothing", refused(put, bucket, "c/none", if_generation_match=first), 412)
    second = put(bucket, "c/a", b"2", if_generation_match=first).generation
    check("stale", refused(put, bucket, "c/a", if_generation_match=first), 412)
    check("not this one", refused(put, bucket, "c/a", if_generation_not_match=second), 412)
    check("metageneration", refused(put, bucket, "c/a", if_metageneration_match=2), 412)
    blob = bucket.blob("c/a")
    check("body stands", blob.download_as_bytes(), b"2")
    check("read this", blob.download_as_bytes(if_generation_match=second), b"2")
    check("read that", refused(blob.download_as_bytes, if_generation_match=first), 412)
    check("unchanged", refused(blob.download_as_bytes, if_generation_not_match=second), 304)
    check("changed", blob.download_as_bytes(if_generation_not_match=first), b"2")
    check("metadata, unchanged", refused(blob.reload, if_generation_not_match=second), 304)
    check("metadata, that", refused(blob.reload, if_generation_match=first), 412)
    check("metadata, metageneration", refused(blob.reload, if_metageneration_match=1), 200)
    blob.metadata = {"a": "b"}
    check("patch, stale", refused(blob.patch, if_generation_match=first), 412)
    check("patch", refused(blob.patch, if_generation_match=second, if_metageneration_match=1), 200)
    blob.metadata = {"a": "c"}
    check("patch, old metageneration", refused(blob.patch, if_metageneration_match=1), 412)
    check("delete, stale", refused(blob.delete, if_generation_match=first), 412)
    check("delete, old metageneration", refused(blob.delete, if_metageneration_match=1), 412)
    check("delete", refused(blob.delete, if_generation_match=second), 200)
    check("replace what is gone", refused(put, bucket, "c/a", if_generation_match=second), 412)
    check("create anew", refused(put, bucket, "c/a", if_generation_match=0), 200)
    bad = gcs._http.request("GET", f"{ENDPOINT}/storage/v1/b/{BUCKET}/o/c%2Fa?ifGenerationMatch=x")
    check("no number", bad.status_code, 400)


def races(gcs, racers=16, rounds=5):
    bucket = gcs.bucket(BUCKET)
    for turn in range(rounds):
        name, generation = f"race/{turn}", 0
        for kind in ("create", "update"):
            barrier, answers = threading.Barrier(racers), [None] * racers

            def run(number):
                barrier.wait()
                answers[number] = refused(put, bucket, name, b"%d" % number, if_generation_match=generation)

            threads = [threading.Thread(target=run, args=(number,)) for number in range(racers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            check(f"winners of {kind}", (answers.count(200), answers.count(412)), (1, racers - 1))
            found = bucket.get_blob(name)
            check(f"the winner of {kind} stands", found.download_as_bytes(), b"%d" % answers.index(200))
            generation = found.generation


def lists(gcs):
    bucket = gcs.bucket(BUCKET)
    files = [f"list/f{number:04}" for number in range(1_205)]
    threads = [threading.Thread(target=lambda part: [put(bucket, name, b"") for name in part], args=(files[at::8],)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = gcs.list_blobs(BUCKET, prefix="list/")
    pages = [[blob.name for blob in page] for page in found.pages]
    check("pages", [len(page) for page in pages], [1_000, 205])
    check("all names", sum(pages, []), files)
    check("a page of 7", [len(list(page)) for page in gcs.list_blobs(BUCKET, prefix="list/f000", page_size=7).pages], [7, 3])
    check("over a thousand", [len(list(page)) for page in gcs.list_blobs(BUCKET, prefix="list/", page_size=5_000).pages], [1_000, 205])
    check("at most", [blob.name for blob in gcs.list_blobs(BUCKET, prefix="list/", max_results=2)], files[:2])
    check("from", [blob.name for blob in gcs.list_blobs(BUCKET, prefix="list/", start_offset="list/f1203")], files[1203:])
    check("to", [blob.name for blob in gcs.list_blobs(BUCKET, prefix="list/", end_offset="list/f0002")], files[:2])

    for name in ("tree/a", "tree/a-b/x", "tree/a/1", "tree/a/2", "tree/b/", "tree/b/3", "tree/c"):
        put(bucket, name)
    shallow = gcs.list_blobs(BUCKET, prefix="tree/", delimiter="/")
    check("items", [blob.name for blob in shallow], ["tree/a", "tree/c"])
    check("prefixes", sorted(shallow.prefixes), ["tree/a-b/", "tree/a/", "tree/b/"])
    trailing = gcs.list_blobs(BUCKET, prefix="tree/", delimiter="/", include_trailing_delimiter=True)
    check("with trailing", [blob.name for blob in trailing], ["tree/a", "tree/b/", "tree/c"])
    one = gcs.list_blobs(BUCKET, prefix="tree/", delimiter="/", page_size=1)
    names, prefixes, count = [], [], 0
    for page in one.pages:
        names += [blob.name for blob in page]
        prefixes += list(page.prefixes)
        count += 1
    check("one a page", (names, prefixes, count), (["tree/a", "tree/c"], ["tree/a-b/", "tree/a/", "tree/b/"], 5))
    inside = gcs.list_blobs(BUCKET, prefix="tree/b/", delimiter="/")
    check("the directory's own name", [blob.name for blob in inside], ["tree/b/", "tree/b/3"])
    check("prefix is no component", [blob.name for blob in gcs.list_blobs(BUCKET, prefix="tree/a/")], ["tree/a/1", "tree/a/2"])
    check("nothing there", list(gcs.list_blobs(BUCKET, prefix="none/")), [])
    sizes = {blob.name: (blob.size, blob.generation > 0, blob.updated is not None) for blob in gcs.list_blobs(BUCKET, prefix="tree/c")}
    check("what a list tells", sizes, {"tree/c": (1, True, True)})
    bad = gcs._http.request("GET", f"{ENDPOINT}/storage/v1/b/{BUCKET}/o?pageToken=%25")
    check("no token", bad.status_code, 400)


def rights(gcs):
    bucket = gcs.bucket(BUCKET)
    put(bucket, "r/a")
    for name, token, reads, writes in [
        ("wrong", "ya29.wrong", 401, 401),
        ("reader", ENV["reader_token"], 200, 403),
        ("powerless", ENV["powerless_token"], 403, 403),
    ]:
        other = client(token)
        blob = other.bucket(BUCKET).blob("r/a")
        check(name + " reads", refused(blob.download_as_bytes, retry=None), reads)
        check(name + " looks", refused(blob.reload, retry=None), reads)
        check(name + " lists", refused(lambda: list(other.list_blobs(BUCKET, prefix="r/", retry=None))), reads)
        check(name + " writes", refused(put, other.bucket(BUCKET), "r/a", b"2"), writes)
        check(name + " deletes", refused(blob.delete, retry=None), writes)
        blob.metadata = {"a": "b"}
        check(name + " patches", refused(blob.patch, retry=None), writes)
    bare = requests.get(f"{ENDPOINT}/storage/v1/b/{BUCKET}/o/r%2Fa", timeout=10)
    check("without a token", (bare.status_code, bare.json()["error"]["errors"][0]["reason"]), (401, "required"))
    check("it is as it was", bucket.blob("r/a").download_as_bytes(), b"1")


def uploads(gcs):
    bucket = gcs.bucket(BUCKET)
    body = os.urandom(3 * 256 * 1024 + 77)
    blob = bucket.blob("up/resumable", chunk_size=256 * 1024)
    blob.metadata = {"how": "resumable"}
    blob.upload_from_file(io.BytesIO(body), content_type="application/x-pem-file", if_generation_match=0)
    check("resumable", blob.download_as_bytes() == body, True)
    check("its type and metadata", (bucket.get_blob("up/resumable").content_type, blob.metadata), ("application/x-pem-file", {"how": "resumable"}))
    with bucket.blob("up/open").open("wb", chunk_size=256 * 1024) as file:
        file.write(body)
    check("written in parts", bucket.blob("up/open").download_as_bytes() == body, True)
    again = bucket.blob("up/resumable", chunk_size=256 * 1024)
    check("resumable on a condition", refused(again.upload_from_file, io.BytesIO(body), if_generation_match=0), 412)

    url = f"{ENDPOINT}/upload/storage/v1/b/{BUCKET}/o"
    start = gcs._http.request("POST", url + "?uploadType=resumable&name=up/raw", data="{}", headers={"content-type": "application/json"})
    place = start.headers["location"]
    check("location is the server's own", place.startswith(ENDPOINT), True)

    def part(data, content_range):
        reply = gcs._http.request("PUT", place, data=data, headers={"content-range": content_range}, allow_redirects=False)
        return reply.status_code, reply.headers.get("range")

    size = 256 * 1024
    check("nothing yet", part(b"", "bytes */*"), (308, None))
    check("an odd part", part(b"x" * 100, "bytes 0-99/*")[0], 400)
    check("a part", part(b"x" * size, f"bytes 0-{size - 1}/*"), (308, f"bytes=0-{size - 1}"))
    check("how far", part(b"", "bytes */*"), (308, f"bytes=0-{size - 1}"))
    check("a gap", part(b"y", f"bytes {size + 5}-{size + 5}/{size + 6}")[0], 503)
    check("the rest", part(b"y", f"bytes {size}-{size}/{size + 1}")[0], 200)
    check("done twice", part(b"", "bytes */*")[0], 200)
    check("whole", bucket.blob("up/raw").download_as_bytes() == b"x" * size + b"y", True)
    unknown = gcs._http.request("PUT", url + "?uploadType=resumable&upload_id=none", data=b"", allow_redirects=False)
    check("no such upload", unknown.status_code, 404)

    media = gcs._http.request("POST", url + "?uploadType=media&name=up/media", data=b"m", headers={"content-type": "text/x"})
    check("media", (media.json()["contentType"], bucket.blob("up/media").download_as_bytes()), ("text/x", b"m"))
    check("no upload type", gcs._http.request("POST", url + "?name=a", data=b"m").status_code, 400)
    check("no name", gcs._http.request("POST", url + "?uploadType=media", data=b"m").status_code, 400)


def related(resource, body, more=b""):
    head = b"--sep\r\ncontent-type: application/json\r\n\r\n" + json.dumps(resource).encode()
    return head + b"\r\n--sep\r\ncontent-type: text/plain\r\n\r\n" + body + more + b"\r\n--sep--"


def checksums(gcs):
    bucket = gcs.bucket(BUCKET)
    url = f"{ENDPOINT}/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart"
    crc = lambda body: base64.b64encode(google_crc32c.value(body).to_bytes(4, "big")).decode()
    md5 = lambda body: base64.b64encode(hashlib.md5(body).digest()).decode()

    def multipart(resource, body=b"hello", more=b"", kind='multipart/related; boundary="sep"'):
        data = related({"name": "sum/a", **resource}, body, more)
        return gcs._http.request("POST", url, data=data, headers={"content-type": kind}).status_code

    check("right CRC32C", multipart({"crc32c": crc(b"hello")}), 200)
    check("wrong CRC32C", multipart({"crc32c": crc(b"hullo")}), 400)
    check("right MD5", multipart({"md5Hash": md5(b"hello")}), 200)
    check("wrong MD5", multipart({"md5Hash": md5(b"hullo")}), 400)
    third = lambda text: b"\r\n--sep\r\ncontent-type: application/json\r\n\r\n" + json.dumps({"crc32c": text}).encode()
    check("right checksums behind", multipart({}, more=third(crc(b"hello"))), 200)
    check("wrong checksums behind", multipart({}, more=third(crc(b"hullo"))), 400)
    check("form data", multipart({}, kind="multipart/form-data; boundary=sep"), 400)
    check("another boundary", multipart({}, kind="multipart/related; boundary=other"), 400)
    check("no part", gcs._http.request("POST", url, data=b"--sep--", headers={"content-type": "multipart/related; boundary=sep"}).status_code, 400)
    check("type of the part", bucket.get_blob("sum/a").content_type, "text/plain")
    check("client's own check", refused(bucket.blob("sum/b").upload_from_string, b"x" * 10_000, checksum="md5"), 200)
    check("client's check of a read", bucket.blob("sum/b").download_as_bytes(checksum="crc32c"), b"x" * 10_000)


def idempotency(gcs):
    bucket = gcs.bucket(BUCKET)
    url = f"{ENDPOINT}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=once/a&ifGenerationMatch=0"
    send = lambda token: gcs._http.request("POST", url, data=b"1", headers={"x-goog-gcs-idempotency-token": token})
    first, again, other = send("one"), send("one"), send("two")
    check("first", first.status_code, 200)
    check("sent again", (again.status_code, again.json()["generation"]), (200, first.json()["generation"]))
    check("another write", other.status_code, 412)
    delete = lambda token: gcs._http.request("DELETE", f"{ENDPOINT}/storage/v1/b/{BUCKET}/o/once%2Fa", headers={"x-goog-gcs-idempotency-token": token})
    check("delete", [delete(token).status_code for token in ("one", "one", "two")], [204, 204, 404])

    check("retried after 429", put(bucket, "retried/too-many", retry=storage.retry.DEFAULT_RETRY).download_as_bytes(), b"1")
    check("retried read", put(bucket, "retried/unavailable").download_as_bytes(), b"1")
    # This client sends no token with the upload, so its second attempt meets the first.
    done = refused(put, bucket, "retried/done", if_generation_match=0, retry=storage.retry.DEFAULT_RETRY)
    check("retried although done", (done, bucket.get_blob("retried/done").size), (412, 1))


def names(gcs):
    bucket = gcs.bucket(BUCKET)
    odd = ["p", "p/", "p/q", "p//q", "../p", "./p", "a b", "a+b", "a%41", "a&b=c", "a?b", "a#b", "\u00fc/\u4e16/\U0001f600", "*", "'\"<>", "~", "tab\there"]
    for name in odd:
        put(bucket, "odd/" + name, name.encode())
    for name in odd:
        check("odd name " + name, bucket.blob("odd/" + name).download_as_bytes(), name.encode())
    listed = [blob.name for blob in gcs.list_blobs(BUCKET, prefix="odd/")]
    check("listed bytewise", listed, sorted(("odd/" + name for name in odd), key=str.encode))
    for name in odd:
        bucket.blob("odd/" + name).delete()
    check("deleted", list(gcs.list_blobs(BUCKET, prefix="odd/")), [])
    check("1,024 bytes", refused(put, bucket, "k" * 1024), 200)
    check("1,025 bytes", refused(put, bucket, "k" * 1025), 400)
    check("513 letters of two bytes", refused(put, bucket, "\u00fc" * 513), 400)
    check("line end", refused(put, bucket, "a\nb"), 400)
    check("two dots", refused(put, bucket, ".."), 400)
    check("reserved", refused(put, bucket, ".well-known/acme-challenge/token"), 400)
    blob = bucket.blob("meta")
    blob.metadata = {"m": "x" * 8191}
    check("as much metadata as there may be", refused(blob.upload_from_string, b""), 200)
    blob.metadata = {"m": "x" * 8192}
    check("too much metadata", refused(blob.upload_from_string, b""), 400)


def faults(gcs):
    bucket = gcs.bucket(BUCKET)
    for name, answer, done in [
        ("against-itself", 412, True),
        ("internal-error", 500, False),
        ("internal-error-after", 500, True),
        ("unavailable", 503, False),
        ("too-many", 429, False),
        ("lose-request", "closed", False),
        ("lose-reply", "closed", True),
    ]:
        check(name, refused(put, bucket, "fault/" + name, if_generation_match=0), answer)
        check(name + ": done", bucket.blob("fault/" + name).exists(), done)
        check(name + ": once", refused(put, bucket, "fault/" + name, if_generation_match=0), 412 if done else 200)
    check("conditions ignored", [refused(put, bucket, "fault/ignored", if_generation_match=0) for _ in range(3)], [200] * 3)
    put(bucket, "fault/cut", b"12345678")
    cut = gcs._http.request("GET", f"{ENDPOINT}/storage/v1/b/{BUCKET}/o/fault%2Fcut?alt=media", stream=True)
    check("length of a cut body", cut.headers["content-length"], "8")
    try:
        found = cut.content
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError):
        found = "cut"
    check("cut body", found, "cut")
    check("cut once", bucket.blob("fault/cut").download_as_bytes(), b"12345678")


def calls(gcs):
    """gRPC, by Google's own stubs and another implementation of the protocol."""
    bucket, path = gcs.bucket(BUCKET), f"projects/_/buckets/{BUCKET}"
    channel = grpc.insecure_channel(ENDPOINT.removeprefix("http://"))
    api = storage_v2.StorageClient(transport=StorageGrpcTransport(channel=channel))

    def options(token=ENV["token"], **more):
        return {"metadata": [("authorization", f"Bearer {token}"), *more.pop("metadata", [])], "retry": None, "timeout": 10, **more}

    def code(call, request, **named):
        try:
            call(request=request, **options(**named))
        except exceptions.GoogleAPICallError as error:
            return error.grpc_status_code.name
        return "OK"

    blob = bucket.blob("grpc/a")
    blob.metadata, blob.cache_control = {"one": "1"}, "no-store"
    blob.upload_from_string(b"hello", content_type="text/plain")
    get = {"bucket": path, "object": "grpc/a"}
    found = api.get_object(request=get, **options())
    check("name", (found.name, found.bucket), ("grpc/a", path))
    check("numbers", (found.generation, found.metageneration, found.size), (blob.generation, 1, 5))
    check("sums", (found.checksums.crc32c, found.checksums.md5_hash), (google_crc32c.value(b"hello"), hashlib.md5(b"hello").digest()))
    check("texts", (found.content_type, found.cache_control, found.storage_class, found.etag), ("text/plain", "no-store", "STANDARD", blob.etag))
    check("metadata", dict(found.metadata), {"one": "1"})
    check("times", abs((found.update_time - blob.updated).total_seconds()) < 0.01, True)
    masked = api.get_object(request={**get, "read_mask": {"paths": ["size", "metadata"]}}, **options())
    check("masked", (masked.name, masked.size, dict(masked.metadata)), ("", 5, {"one": "1"}))
    for what, more, expected in [
        ("this", {"if_generation_match": blob.generation}, "OK"),
        ("that", {"if_generation_match": blob.generation - 1}, "FAILED_PRECONDITION"),
        ("unchanged", {"if_generation_not_match": blob.generation}, "FAILED_PRECONDITION"),
        ("changed", {"if_generation_not_match": blob.generation - 1}, "OK"),
        ("old generation", {"generation": blob.generation - 1}, "NOT_FOUND"),
        ("nothing", {"object": "grpc/none"}, "NOT_FOUND"),
        ("no bucket", {"bucket": "projects/_/buckets/missing"}, "NOT_FOUND"),
        ("bucket without its place", {"bucket": BUCKET}, "INVALID_ARGUMENT"),
    ]:
        check("get: " + what, code(api.get_object, {**get, **more}), expected)

    for name in ("grpc/a-b/x", "grpc/a/1", "grpc/b/", "grpc/b/2", "grpc/c"):
        put(bucket, name)
    ask = {"parent": path, "prefix": "grpc/", "delimiter": "/"}
    page = next(api.list_objects(request=ask, **options()).pages)
    check("items", [entry.name for entry in page.objects], ["grpc/a", "grpc/c"])
    check("prefixes", list(page.prefixes), ["grpc/a-b/", "grpc/a/", "grpc/b/"])
    trailing = next(api.list_objects(request={**ask, "include_trailing_delimiter": True}, **options()).pages)
    check("with trailing", [entry.name for entry in trailing.objects], ["grpc/a", "grpc/b/", "grpc/c"])
    pages = list(api.list_objects(request={**ask, "page_size": 2}, **options()).pages)
    check("two a page", [[*(entry.name for entry in page.objects), *page.prefixes] for page in pages], [["grpc/a", "grpc/a-b/"], ["grpc/a/", "grpc/b/"], ["grpc/c"]])
    part = {"parent": path, "prefix": "grpc/", "lexicographic_start": "grpc/a/", "lexicographic_end": "grpc/b/2"}
    check("from and to", [entry.name for entry in api.list_objects(request=part, **options())], ["grpc/a/1", "grpc/b/"])
    many = list(api.list_objects(request={"parent": path, "prefix": "list/"}, **options()).pages)
    check("pages of a thousand", [len(page.objects) for page in many], [1_000, 205])
    check("list of no bucket", code(lambda **named: list(api.list_objects(**named)), {"parent": "projects/_/buckets/missing"}), "NOT_FOUND")

    gone = {"bucket": path, "object": "grpc/a"}
    check("delete, stale", code(api.delete_object, {**gone, "if_generation_match": blob.generation - 1}), "FAILED_PRECONDITION")
    once = {"metadata": [("x-goog-gcs-idempotency-token", "grpc-one")]}
    check("delete", code(api.delete_object, {**gone, "if_generation_match": blob.generation}, **once), "OK")
    check("sent again", code(api.delete_object, {**gone, "if_generation_match": blob.generation}, **once), "OK")
    check("delete again", code(api.delete_object, gone), "NOT_FOUND")
    for name, token, reads, writes in [
        ("wrong", "ya29.wrong", "UNAUTHENTICATED", "UNAUTHENTICATED"),
        ("reader", ENV["reader_token"], "OK", "PERMISSION_DENIED"),
        ("powerless", ENV["powerless_token"], "PERMISSION_DENIED", "PERMISSION_DENIED"),
    ]:
        check(name + " gets", code(api.get_object, {**get, "object": "grpc/c"}, token=token), reads)
        check(name + " deletes", code(api.delete_object, {**gone, "object": "grpc/c"}, token=token), writes)
    check("no such call", code(api.get_bucket, {"name": path}), "UNIMPLEMENTED")
    for name, expected in [("unavailable", "UNAVAILABLE"), ("too-many", "RESOURCE_EXHAUSTED"), ("internal", "INTERNAL"), ("lost", "UNAVAILABLE")]:
        check("fault: " + name, code(api.get_object, {**get, "object": "grpc-fault/" + name}), expected)
        # A channel learns a moment later that its connection is gone.
        for _ in range(100):
            again = code(api.get_object, {**get, "object": "grpc-fault/" + name})
            if again != "UNAVAILABLE":
                break
            time.sleep(0.05)
        check("once: " + name, again, "NOT_FOUND")


def main():
    gcs = client()
    operations(gcs)
    conditions(gcs)
    races(gcs)
    lists(gcs)
    rights(gcs)
    uploads(gcs)
    checksums(gcs)
    idempotency(gcs)
    names(gcs)
    faults(gcs)
    calls(gcs)
    print(f"checks: {CHECKS}")


if __name__ == "__main__":
    main()
