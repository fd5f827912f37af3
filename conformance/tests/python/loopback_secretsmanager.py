"""Drives the loopback Secrets Manager server with boto3 and expects what AWS documents.

The environment names the server (LOOPBACK_SECRETSMANAGER_*). The first thing that differs ends the program with a line
that says so; at the end stands how many checks ran. Secrets below "fault/" are struck by faults that the test has
switched on. Orders to the server, such as to move its clock, are printed and answered on standard input.
"""

import json
import os
import threading
import urllib.error
import urllib.request
import uuid

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError, ResponseStreamingError

NAME = "LOOPBACK_SECRETSMANAGER_"
ENV = {name[len(NAME):].lower(): value for name, value in os.environ.items() if name.startswith(NAME)}
CHECKS = 0
DAY = 24 * 60 * 60
NOT_FOUND = (400, "ResourceNotFoundException")
EXISTS = (400, "ResourceExistsException")
REQUEST = (400, "InvalidRequestException")
PARAMETER = (400, "InvalidParameterException")
VALIDATION = (400, "ValidationException")
LIMIT = (400, "LimitExceededException")
DONE = (200, None)


def check(what, found, expected):
    global CHECKS
    CHECKS += 1
    if found != expected:
        raise SystemExit(f"{what}: found {found!r}, expected {expected!r}")


def order(text):
    print(text, flush=True)
    if input() != "done":
        raise SystemExit(f"{text}: not obeyed")


def client(access_key=ENV["access_key"], secret_key=ENV["secret_key"], token=None, region=ENV["region"], **config):
    return boto3.client(
        "secretsmanager",
        endpoint_url=ENV["endpoint"],
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=40, parameter_validation=False, **config),
    )


def refused(call, /, **arguments):
    """Status and code of a refusal; of a success, the status and None."""
    try:
        reply = call(**arguments)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    except (ConnectionClosedError, HTTPClientError, ResponseStreamingError, ReadTimeoutError):
        return "closed"
    return reply["ResponseMetadata"]["HTTPStatusCode"], None


def fresh():
    return str(uuid.uuid4())


def stages(sm, secret):
    return {id: sorted(labels) for id, labels in sm.describe_secret(SecretId=secret)["VersionIdsToStages"].items()}


def value(sm, secret, **which):
    return sm.get_secret_value(SecretId=secret, **which)["SecretString"]


def values(sm):
    first, second, third = fresh(), fresh(), fresh()
    made = sm.create_secret(Name="v/a", SecretString="one", ClientRequestToken=first, Description="words", KmsKeyId="alias/k")
    check("version of a create", made["VersionId"], first)
    check("name of a create", made["Name"], "v/a")
    check("arn", made["ARN"].startswith(f"arn:aws:secretsmanager:{ENV['region']}:") and made["ARN"][-7] == "-", True)
    check("labels of a create", stages(sm, "v/a"), {first: ["AWSCURRENT"]})
    described = sm.describe_secret(SecretId="v/a")
    check("description", (described["Description"], described["KmsKeyId"]), ("words", "alias/k"))
    check("not deleted", "DeletedDate" in described, False)
    check("created again", refused(sm.create_secret, Name="v/a", SecretString="other"), EXISTS)
    check("the same create again", refused(sm.create_secret, Name="v/a", SecretString="one", ClientRequestToken=first), DONE)
    other = refused(sm.create_secret, Name="v/a", SecretString="other", ClientRequestToken=first)
    check("the same token with another value", other, EXISTS)

    put = sm.put_secret_value(SecretId="v/a", SecretString="two", ClientRequestToken=second)
    check("version of a put", (put["VersionId"], put["VersionStages"]), (second, ["AWSCURRENT"]))
    check("labels of a put", stages(sm, "v/a"), {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]})
    check("current", value(sm, "v/a"), "two")
    check("by label", value(sm, "v/a", VersionStage="AWSPREVIOUS"), "one")
    check("by id", value(sm, "v/a", VersionId=first), "one")
    both = refused(sm.get_secret_value, SecretId="v/a", VersionId=first, VersionStage="AWSCURRENT")
    check("by id and another's label", both, REQUEST)
    check("unknown label", refused(sm.get_secret_value, SecretId="v/a", VersionStage="none"), NOT_FOUND)
    check("unknown id", refused(sm.get_secret_value, SecretId="v/a", VersionId=fresh()), NOT_FOUND)
    again = sm.put_secret_value(SecretId="v/a", SecretString="two", ClientRequestToken=second)
    check("the same put again", (again["VersionId"], again["VersionStages"]), (second, ["AWSCURRENT"]))
    late = refused(sm.put_secret_value, SecretId="v/a", SecretString="one", ClientRequestToken=first)
    check("an earlier put again", late, DONE)
    check("changes nothing", value(sm, "v/a"), "two")
    check("a token of another value", refused(sm.put_secret_value, SecretId="v/a", SecretString="x", ClientRequestToken=second), EXISTS)

    sm.put_secret_value(SecretId="v/a", SecretBinary=b"\x00\xff", ClientRequestToken=third)
    got = sm.get_secret_value(SecretId="v/a")
    check("bytes", (got["SecretBinary"], "SecretString" in got), (b"\x00\xff", False))
    check("a version without labels is not described", stages(sm, "v/a"), {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]})
    check("and still read", value(sm, "v/a", VersionId=first), "one")
    check("created", got["CreatedDate"] <= sm.describe_secret(SecretId="v/a")["LastChangedDate"], True)
    both = refused(sm.put_secret_value, SecretId="v/a", SecretString="x", SecretBinary=b"x")
    check("text and bytes", both, PARAMETER)
    check("neither", refused(sm.put_secret_value, SecretId="v/a"), REQUEST)

    for call, arguments in [
        (sm.get_secret_value, {}),
        (sm.describe_secret, {}),
        (sm.put_secret_value, {"SecretString": "x"}),
        (sm.update_secret, {"SecretString": "x"}),
        (sm.update_secret_version_stage, {"VersionStage": "x", "MoveToVersionId": first}),
        (sm.delete_secret, {}),
        (sm.restore_secret, {}),
        (sm.list_secret_version_ids, {}),
    ]:
        check(f"{call.__name__} of nothing", refused(call, SecretId="v/none", **arguments), NOT_FOUND)

    updated = sm.update_secret(SecretId="v/a", Description="others", SecretString="four")
    check("update", value(sm, "v/a", VersionId=updated["VersionId"]), "four")
    check("description of an update", sm.describe_secret(SecretId="v/a")["Description"], "others")
    check("update of the description alone", "VersionId" in sm.update_secret(SecretId="v/a", Description="again"), False)
    check("value stays", value(sm, "v/a"), "four")
    check("by arn", value(sm, made["ARN"]), "four")
    check("by an arn without its ending", value(sm, made["ARN"][:-7]), "four")
    check("name", sm.get_secret_value(SecretId=made["ARN"])["Name"], "v/a")

    sm.create_secret(Name="v/empty")
    check("a secret without a value", refused(sm.get_secret_value, SecretId="v/empty"), NOT_FOUND)
    only = sm.put_secret_value(SecretId="v/empty", SecretString="x", VersionStages=["mine"])
    check("its first version is current", sorted(only["VersionStages"]), ["AWSCURRENT", "mine"])


def labels(sm):
    a, b, c = fresh(), fresh(), fresh()
    sm.create_secret(Name="l/a", SecretString="a", ClientRequestToken=a)
    sm.put_secret_value(SecretId="l/a", SecretString="b", ClientRequestToken=b, VersionStages=["mine"])
    check("current stays", stages(sm, "l/a"), {a: ["AWSCURRENT"], b: ["mine"]})
    check("value stays", value(sm, "l/a"), "a")

    def move(stage, **which):
        return refused(sm.update_secret_version_stage, SecretId="l/a", VersionStage=stage, **which)

    check("without the version that has it", move("AWSCURRENT", MoveToVersionId=b), PARAMETER)
    check("with a wrong one", move("AWSCURRENT", MoveToVersionId=b, RemoveFromVersionId=b), PARAMETER)
    check("with an unknown one", move("AWSCURRENT", MoveToVersionId=b, RemoveFromVersionId=fresh()), PARAMETER)
    check("to an unknown one", move("AWSCURRENT", MoveToVersionId=fresh(), RemoveFromVersionId=a), NOT_FOUND)
    check("nothing moved", stages(sm, "l/a"), {a: ["AWSCURRENT"], b: ["mine"]})
    check("moved", move("AWSCURRENT", MoveToVersionId=b, RemoveFromVersionId=a), DONE)
    check("previous moves along", stages(sm, "l/a"), {a: ["AWSPREVIOUS"], b: ["AWSCURRENT", "mine"]})
    check("value moves along", value(sm, "l/a"), "b")
    check("moved twice", move("AWSCURRENT", MoveToVersionId=b, RemoveFromVersionId=a), PARAMETER)
    check("removed", move("mine", RemoveFromVersionId=b), DONE)
    check("is gone", stages(sm, "l/a"), {a: ["AWSPREVIOUS"], b: ["AWSCURRENT"]})
    check("removed twice", move("mine", RemoveFromVersionId=b), PARAMETER)
    check("current is not removed", move("AWSCURRENT", RemoveFromVersionId=b), PARAMETER)
    check("neither from nor to", move("mine"), PARAMETER)
    check("onto nobody's", move("mine", MoveToVersionId=a), DONE)
    check("onto itself", move("mine", MoveToVersionId=a), DONE)
    check("onto another without from", move("mine", MoveToVersionId=b), PARAMETER)
    sm.put_secret_value(SecretId="l/a", SecretString="c", ClientRequestToken=c, VersionStages=["mine", "AWSCURRENT"])
    check("a put moves labels unasked", stages(sm, "l/a"), {b: ["AWSPREVIOUS"], c: ["AWSCURRENT", "mine"]})

    listed = sm.list_secret_version_ids(SecretId="l/a")["Versions"]
    check("versions with labels", sorted(entry["VersionId"] for entry in listed), sorted([b, c]))
    listed = sm.list_secret_version_ids(SecretId="l/a", IncludeDeprecated=True, MaxResults=2)
    check("a page of versions", len(listed["Versions"]), 2)
    rest = sm.list_secret_version_ids(SecretId="l/a", IncludeDeprecated=True, MaxResults=2, NextToken=listed["NextToken"])
    check("the last page", (len(rest["Versions"]), "NextToken" in rest), (1, False))

    sm.create_secret(Name="l/many", SecretString="x")
    for number in range(19):
        sm.put_secret_value(SecretId="l/many", SecretString="x", VersionStages=[f"label-{number}"])
    over = refused(sm.put_secret_value, SecretId="l/many", SecretString="x", VersionStages=["label-19"])
    check("the 21st label", over, LIMIT)
    moved = refused(sm.put_secret_value, SecretId="l/many", SecretString="x", VersionStages=["label-18"])
    check("one that is there moves", moved, DONE)
    over = refused(sm.put_secret_value, SecretId="l/many", SecretString="x", VersionStages=[f"x{n}" for n in range(21)])
    check("21 labels at once", over, VALIDATION)


def races(sm):
    def winners(attempt):
        barrier, answers = threading.Barrier(32), [None] * 32

        def run(number):
            barrier.wait()
            answers[number] = attempt(number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    for turn in range(5):
        name = f"r/{turn}"
        made = winners(lambda number: refused(sm.create_secret, Name=name, SecretString=f"{number}"))
        check("one creates", (made.count(DONE), made.count(EXISTS)), (1, 31))
        ids = [fresh() for _ in range(32)]
        now = sm.get_secret_value(SecretId=name)["VersionId"]
        for number, id in enumerate(ids):
            sm.put_secret_value(SecretId=name, SecretString=f"u{number}", ClientRequestToken=id, VersionStages=["candidate"])
        moved = winners(
            lambda number: refused(
                sm.update_secret_version_stage,
                SecretId=name,
                VersionStage="AWSCURRENT",
                RemoveFromVersionId=now,
                MoveToVersionId=ids[number],
            )
        )
        check("one moves", (moved.count(DONE), moved.count(PARAMETER)), (1, 31))
        check("and is read", value(sm, name), f"u{moved.index(DONE)}")


def limits(sm):
    check("64 KiB", refused(sm.create_secret, Name="m/a", SecretBinary=b"x" * 65536), DONE)
    check("more", refused(sm.put_secret_value, SecretId="m/a", SecretBinary=b"x" * 65537), VALIDATION)
    check("64 KiB of text", refused(sm.put_secret_value, SecretId="m/a", SecretString="x" * 65536), DONE)
    check("more text", refused(sm.put_secret_value, SecretId="m/a", SecretString="x" * 65537), VALIDATION)
    check("no bytes", refused(sm.put_secret_value, SecretId="m/a", SecretBinary=b""), VALIDATION)
    check("no text", refused(sm.put_secret_value, SecretId="m/a", SecretString=""), VALIDATION)
    check("a name of 512", refused(sm.create_secret, Name="n" * 512, SecretString="x"), DONE)
    check("a name of 513", refused(sm.create_secret, Name="n" * 513, SecretString="x"), VALIDATION)
    check("every character", refused(sm.create_secret, Name="m/aZ09/_+=.@-", SecretString="x"), DONE)
    for bad in "m/b c", "m/b~", "m/b!", "m/b*", "m/b\u00fc", "m/b:c", "m/b%", "":
        check(f"name {bad!r}", refused(sm.create_secret, Name=bad, SecretString="x"), VALIDATION)
    for token, answer in [("t" * 32, DONE), ("u" * 64, DONE), ("t" * 31, VALIDATION), ("t" * 65, VALIDATION)]:
        put = refused(sm.put_secret_value, SecretId="m/a", SecretString="x", ClientRequestToken=token)
        check(f"a token of {len(token)}", put, answer)

    sm.create_secret(Name="m/many", SecretString="0")
    for number in range(1, 100):
        sm.put_secret_value(SecretId="m/many", SecretString=str(number))
    check("the 101st version in a day", refused(sm.put_secret_value, SecretId="m/many", SecretString="100"), LIMIT)
    check("changes nothing", value(sm, "m/many"), "99")
    order(f"advance {DAY - 60}")
    check("a minute too early", refused(sm.put_secret_value, SecretId="m/many", SecretString="100"), LIMIT)
    order("advance 60")
    check("a day later", refused(sm.put_secret_value, SecretId="m/many", SecretString="100"), DONE)
    listed = sm.list_secret_version_ids(SecretId="m/many", IncludeDeprecated=True)["Versions"]
    check("the oldest has gone", len(listed), 100)
    check("labelled ones stay", value(sm, "m/many", VersionStage="AWSPREVIOUS"), "99")
    order("version-limit")
    order("rate 3")
    burst = [refused(sm.describe_secret, SecretId="m/many") for _ in range(12)]
    check("over the rate", (400, "ThrottlingException") in burst and DONE in burst, True)
    order("rate")
    check("without a rate", refused(sm.describe_secret, SecretId="m/many"), DONE)


def deletes(sm):
    sm.create_secret(Name="d/a", SecretString="x")
    for days in (6, 31, 0):
        check(f"{days} days", refused(sm.delete_secret, SecretId="d/a", RecoveryWindowInDays=days), PARAMETER)
    both = refused(sm.delete_secret, SecretId="d/a", RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
    check("days and force", both, PARAMETER)
    date = sm.delete_secret(SecretId="d/a", RecoveryWindowInDays=7)["DeletionDate"]
    described = sm.describe_secret(SecretId="d/a")
    check("the date is the window's end", round((date - described["DeletedDate"]).total_seconds() / DAY), 7)
    for call, arguments in [
        (sm.get_secret_value, {}),
        (sm.put_secret_value, {"SecretString": "y"}),
        (sm.update_secret, {"SecretString": "y"}),
        (sm.update_secret_version_stage, {"VersionStage": "y", "MoveToVersionId": fresh()}),
        (sm.delete_secret, {}),
    ]:
        check(f"{call.__name__} of a deleted one", refused(call, SecretId="d/a", **arguments), REQUEST)
    check("create over a deleted one", refused(sm.create_secret, Name="d/a", SecretString="y"), REQUEST)
    check("restore", refused(sm.restore_secret, SecretId="d/a"), DONE)
    check("the value is back", value(sm, "d/a"), "x")
    check("restore of what is not deleted", refused(sm.restore_secret, SecretId="d/a"), DONE)
    sm.delete_secret(SecretId="d/a", RecoveryWindowInDays=7)
    order(f"advance {7 * DAY - 60}")
    check("within the window", "DeletedDate" in sm.describe_secret(SecretId="d/a"), True)
    order("advance 60")
    check("after the window", refused(sm.describe_secret, SecretId="d/a"), NOT_FOUND)
    check("the name is free", refused(sm.create_secret, Name="d/a", SecretString="new"), DONE)
    sm.delete_secret(SecretId="d/a")
    order(f"advance {29 * DAY}")
    check("30 days by default", refused(sm.restore_secret, SecretId="d/a"), DONE)

    check("force", refused(sm.delete_secret, SecretId="d/a", ForceDeleteWithoutRecovery=True), DONE)
    check("is gone", refused(sm.get_secret_value, SecretId="d/a"), NOT_FOUND)
    check("cannot be restored", refused(sm.restore_secret, SecretId="d/a"), NOT_FOUND)
    check("force of nothing", refused(sm.delete_secret, SecretId="d/none", ForceDeleteWithoutRecovery=True), DONE)
    check("created at once", refused(sm.create_secret, Name="d/a", SecretString="again"), DONE)
    order("delete-lag 30")
    sm.delete_secret(SecretId="d/a", ForceDeleteWithoutRecovery=True)
    check("not yet free", refused(sm.create_secret, Name="d/a", SecretString="x"), REQUEST)
    check("and not there", refused(sm.get_secret_value, SecretId="d/a"), NOT_FOUND)
    order("advance 31")
    check("free", refused(sm.create_secret, Name="d/a", SecretString="x"), DONE)
    order("delete-lag 0")


def lists(sm):
    names = [f"list/{number:03}" for number in range(130)] + ["List/x", "listing"]
    for name in names:
        sm.create_secret(Name=name, SecretString="x")

    def listed(*values, **arguments):
        pages = sm.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": list(values)}], **arguments)
        return [entry["Name"] for page in pages for entry in page["SecretList"]]

    check("by prefix", sorted(listed("list/")), names[:130])
    check("upper case is another", listed("List"), ["List/x"])
    check("one of several", sorted(listed("List", "listi")), ["List/x", "listing"])
    check("all but", [name for name in listed("!list/") if name.startswith("list/")], [])
    check("newest first", listed("list/0")[:3], ["list/099", "list/098", "list/097"])
    check("oldest first", listed("list/0", SortOrder="asc")[:3], ["list/000", "list/001", "list/002"])
    check("in small pages", sorted(listed("list/", PaginationConfig={"PageSize": 7})), names[:130])
    both = [{"Key": "name", "Values": ["list"]}, {"Key": "name", "Values": ["!list/"]}]
    found = sm.list_secrets(Filters=both)["SecretList"]
    check("two filters", [entry["Name"] for entry in found], ["listing"])
    page = sm.list_secrets(Filters=both[:1])
    check("a hundred a page", (len(page["SecretList"]), "NextToken" in page), (100, True))
    entry = sm.list_secrets(Filters=both)["SecretList"][0]
    check("labels in a list", list(entry["SecretVersionsToStages"].values()), [["AWSCURRENT"]])
    check("times in a list", entry["CreatedDate"] <= entry["LastChangedDate"], True)
    check("nothing", listed("none/"), [])
    for most, answer in [(1, DONE), (100, DONE), (101, VALIDATION), (0, VALIDATION)]:
        check(f"{most} a page", refused(sm.list_secrets, MaxResults=most), answer)
    check("a token of nobody's", refused(sm.list_secrets, NextToken="nonsense"), (400, "InvalidNextTokenException"))
    check("a character that no filter has", refused(sm.list_secrets, Filters=[{"Key": "name", "Values": ["~"]}]), VALIDATION)

    sm.delete_secret(SecretId="listing", RecoveryWindowInDays=7)
    check("deleted ones are left out", listed("listing"), [])
    check("unless asked for", listed("listing", IncludePlannedDeletion=True), ["listing"])

    order("list-delay 300")
    order("advance 300")
    sm.create_secret(Name="late/a", SecretString="x")
    sm.delete_secret(SecretId="list/000", ForceDeleteWithoutRecovery=True)
    check("what is new is not listed", listed("late/"), [])
    check("what is deleted is", "list/000" in listed("list/00"), True)
    check("single ones are current", (value(sm, "late/a"), refused(sm.describe_secret, SecretId="list/000")), ("x", NOT_FOUND))
    order("advance 299")
    check("a second too early", listed("late/"), [])
    order("advance 2")
    check("five minutes later", (listed("late/"), "list/000" in listed("list/00")), (["late/a"], False))
    order("list-delay 0")

    order("read-delay 2")
    order("advance 3")
    sm.put_secret_value(SecretId="late/a", SecretString="y")
    check("a read that lags", value(sm, "late/a"), "x")
    order("advance 3")
    check("and comes after", value(sm, "late/a"), "y")
    order("read-delay 0")


def batches(sm):
    for name in ("b/1", "b/2", "b/3"):
        sm.create_secret(Name=name, SecretString=f"of {name}")
    sm.delete_secret(SecretId="b/3", RecoveryWindowInDays=7)
    got = sm.batch_get_secret_value(SecretIdList=["b/2", "b/1", "b/3", "b/none"])
    check("batch", [entry["SecretString"] for entry in got["SecretValues"]], ["of b/2", "of b/1"])
    errors = [(entry["SecretId"], entry["ErrorCode"]) for entry in got["Errors"]]
    check("errors of a batch", errors, [("b/3", "InvalidRequestException"), ("b/none", "ResourceNotFoundException")])
    filtered = sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["b/"]}], MaxResults=1)
    check("by filter", (len(filtered["SecretValues"]), "NextToken" in filtered), (1, True))
    check("neither", refused(sm.batch_get_secret_value), PARAMETER)
    both = refused(sm.batch_get_secret_value, SecretIdList=["b/1"], Filters=[{"Key": "name", "Values": ["b"]}])
    check("both", both, PARAMETER)
    check("21 of them", refused(sm.batch_get_secret_value, SecretIdList=["b/1"] * 21), VALIDATION)


def rights(sm):
    def answer(**who):
        return refused(client(**who).get_secret_value, SecretId="v/a")

    check("wrong secret", answer(secret_key="wrong"), (400, "InvalidSignatureException"))
    check("unknown key", answer(access_key="AKIAUNKNOWN"), (400, "UnrecognizedClientException"))
    check("another region", answer(region="us-east-1"), (400, "InvalidSignatureException"))
    check("a token where there is none", answer(token="x"), (400, "UnrecognizedClientException"))
    token = {"access_key": ENV["token_access_key"], "secret_key": ENV["token_secret_key"]}
    check("without its token", answer(**token), (400, "UnrecognizedClientException"))
    check("with another token", answer(**token, token="wrong"), (400, "UnrecognizedClientException"))
    check("with its token", answer(**token, token=ENV["session_token"]), DONE)
    unsigned = boto3.client(
        "secretsmanager", endpoint_url=ENV["endpoint"], region_name=ENV["region"], config=Config(signature_version=UNSIGNED)
    )
    check("unsigned", refused(unsigned.describe_secret, SecretId="v/a"), (400, "MissingAuthenticationTokenException"))
    reader = client(ENV["reader_access_key"], ENV["reader_secret_key"])
    denied = (400, "AccessDeniedException")
    check("a reader reads", refused(reader.get_secret_value, SecretId="v/a"), DONE)
    check("a reader lists", refused(reader.list_secrets), DONE)
    for call, arguments in [
        (reader.create_secret, {"Name": "v/new", "SecretString": "x"}),
        (reader.put_secret_value, {"SecretId": "v/a", "SecretString": "x"}),
        (reader.update_secret_version_stage, {"SecretId": "v/a", "VersionStage": "x", "MoveToVersionId": fresh()}),
        (reader.delete_secret, {"SecretId": "v/a"}),
        (reader.restore_secret, {"SecretId": "v/a"}),
    ]:
        check(f"a reader's {call.__name__}", refused(call, **arguments), denied)
    check("an operation that is not there", refused(sm.get_random_password), (400, "UnknownOperationException"))

    def plain(body, **headers):
        request = urllib.request.Request(ENV["endpoint"], body, headers)
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.status, json.loads(error.read())["__type"]

    named = {"X-Amz-Target": "secretsmanager.GetSecretValue"}
    check("no signature", plain(b"{}", **named), (400, "MissingAuthenticationTokenException"))
    malformed = plain(b"{}", Authorization="AWS4-HMAC-SHA256 nonsense", **named)
    check("a malformed signature", malformed, (400, "IncompleteSignatureException"))


def faults(sm):
    def put(name):
        secret = f"fault/{name}"
        sm.create_secret(Name=secret, SecretString="before")
        return refused(sm.put_secret_value, SecretId=secret, SecretString="after"), value(sm, secret)

    for name, answer, found in [
        ("lose-request", "closed", "before"),
        ("lose-reply", "closed", "after"),
        ("internal-error", (500, "InternalServiceError"), "before"),
        ("internal-error-after", (500, "InternalServiceError"), "after"),
        ("unavailable", (503, "ServiceUnavailable"), "before"),
        ("throttle", (400, "ThrottlingException"), "before"),
        ("limit", LIMIT, "before"),
        ("delay", DONE, "after"),
        ("delay-reply", DONE, "after"),
    ]:
        check(name, put(name), (answer, found))
        check(f"{name}, once", refused(sm.put_secret_value, SecretId=f"fault/{name}", SecretString="last"), DONE)
    sm.create_secret(Name="fault/cut", SecretString="x" * 1000)
    # botocore takes what came for the whole, and finds no JSON in it.
    check("cut", "SecretString" in sm.get_secret_value(SecretId="fault/cut"), False)
    check("cut, once", len(value(sm, "fault/cut")), 1000)


def main():
    sm = client()
    values(sm)
    labels(sm)
    races(sm)
    limits(sm)
    deletes(sm)
    lists(sm)
    batches(sm)
    rights(sm)
    faults(sm)
    print(f"checks: {CHECKS}")


if __name__ == "__main__":
    main()
