"""Runs moto as an S3 server that is atomic and checks signatures: moto.py PORT FILE.

By itself moto checks a condition and writes in two steps that other threads come between; here requests run one
at a time. FILE receives the access key and its secret once the server is ready.
"""

import collections
import contextlib
import io
import json
import os
import sys
import threading
import urllib.parse
import urllib.request

port, file = int(sys.argv[1]), sys.argv[2]
os.environ["MOTO_PORT"] = str(port)

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

ENDPOINT = f"http://127.0.0.1:{port}"
moto = DomainDispatcherApplication(create_backend_app)


class Turns:
    """One request at a time. Prefixes take turns, as on a service that serves them side by side: in one queue a
    client that sends many requests would keep another's renewal waiting until its lease is over."""

    def __init__(self):
        self.guard = threading.Lock()
        self.taken = False
        self.waiting = collections.OrderedDict()

    @contextlib.contextmanager
    def turn(self, prefix):
        self.wait(prefix)
        try:
            yield
        finally:
            self.next()

    def wait(self, prefix):
        with self.guard:
            if not self.taken:
                self.taken = True
                return
            turn = threading.Event()
            self.waiting.setdefault(prefix, collections.deque()).append(turn)
        turn.wait()

    def next(self):
        with self.guard:
            if not self.waiting:
                self.taken = False
                return
            prefix, queue = self.waiting.popitem(last=False)
            queue.popleft().set()
            if queue:
                self.waiting[prefix] = queue


turns = Turns()


def prefix_of(environ):
    """The first component of the object's name, or of the prefix that is listed."""
    _, _, name = environ["PATH_INFO"].lstrip("/").partition("/")
    name = name or urllib.parse.parse_qs(environ["QUERY_STRING"]).get("prefix", [""])[0]
    return name.partition("/")[0]


def serial(environ, start_response):
    # The body is read before its turn: a client that stalls in it stops nobody else.
    length = None if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
    with turns.turn(prefix_of(environ)):
        return [b"".join(moto(environ, start_response))]


class Quiet(MotoRequestHandler):
    def log_request(self, *arguments):
        pass


def set_up():
    client = lambda service: boto3.client(
        service, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup"
    )
    iam = client("iam")
    iam.create_user(UserName="certstore")
    every = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_user_policy(UserName="certstore", PolicyName="every", PolicyDocument=json.dumps(every))
    key = iam.create_access_key(UserName="certstore")["AccessKey"]
    client("s3").create_bucket(Bucket="certs")
    # From here on signatures and policies are checked.
    checked = urllib.request.Request(f"{ENDPOINT}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    urllib.request.urlopen(checked).read()
    with open(file + ".new", "w") as out:
        out.write(f"{key['AccessKeyId']} {key['SecretAccessKey']}")
    os.rename(file + ".new", file)


def set_up_or_end():
    try:
        set_up()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


server = make_server("127.0.0.1", port, serial, threaded=True, request_handler=Quiet)
threading.Thread(target=set_up_or_end, daemon=True).start()
server.serve_forever()
