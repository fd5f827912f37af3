"""What every S3 server of the tests must do, and what it does with conditions.

Ends with an error where an object is not kept or a wrong secret is let in. Prints the winners of 16 racers in
three rounds of creating and of updating, the status of a delete whose condition is wrong, and the checks.
"""

import os
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET, RACERS, CHECKS = os.environ["S3_BUCKET"], 16, 0


def check(what, found, expected):
    global CHECKS
    CHECKS += 1
    if found != expected:
        raise SystemExit(f"{what}: found {found!r}, expected {expected!r}")


def client(access_key=os.environ["S3_ACCESS_KEY"], secret_key=os.environ["S3_SECRET_KEY"]):
    return boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT"],
        region_name=os.environ["S3_REGION"],
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=RACERS),
    )


def status(call, /, **arguments):
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def winners(attempt):
    """The successes of all racers at once, behind a barrier."""
    barrier, answers = threading.Barrier(RACERS), [None] * RACERS

    def run(number):
        barrier.wait()
        answers[number] = attempt(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers.count(200)


s3 = client()
check("put", status(s3.put_object, Bucket=BUCKET, Key="a/b", Body=b"one", Metadata={"k": "v"}), 200)
got = s3.get_object(Bucket=BUCKET, Key="a/b")
check("get", (got["Body"].read(), got["Metadata"]), (b"one", {"k": "v"}))
listed = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
check("list", [entry["Prefix"] for entry in listed["CommonPrefixes"]], ["a/"])
check("unchanged", status(s3.get_object, Bucket=BUCKET, Key="a/b", IfNoneMatch=got["ETag"]), 304)
check("wrong secret", status(client(secret_key="wrong").get_object, Bucket=BUCKET, Key="a/b"), 403)
check("unknown key", status(client(access_key="UNKNOWN").get_object, Bucket=BUCKET, Key="a/b"), 403)

created, updated = [], []
for turn in range(3):
    key = f"race/{turn}"
    created.append(winners(lambda number: status(s3.put_object, Bucket=BUCKET, Key=key, Body=b"%d" % number, IfNoneMatch="*")))
    etag = s3.head_object(Bucket=BUCKET, Key=key)["ETag"]
    updated.append(winners(lambda number: status(s3.put_object, Bucket=BUCKET, Key=key, Body=b"u%d" % number, IfMatch=etag)))
deleted = status(s3.delete_object, Bucket=BUCKET, Key="a/b", IfMatch='"' + "0" * 32 + '"')

check("delete", status(s3.delete_object, Bucket=BUCKET, Key="race/0"), 204)
check("gone", status(s3.head_object, Bucket=BUCKET, Key="race/0"), 404)
check("still there", status(s3.head_object, Bucket=BUCKET, Key="race/1"), 200)
print("create", *created, "update", *updated, "delete", deleted, f"checks: {CHECKS}")
