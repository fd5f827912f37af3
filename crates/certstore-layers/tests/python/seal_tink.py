"""Tink's own library against sealed values: makes some, and opens others' and says how many.

A set is a folder with keyset.json and, for each value, objects/KEY (sealed) and plain/KEY. The key is the associated data.
"""

import datetime
import json
import pathlib
import sys

import tink
from tink import aead, secret_key_access

KEYS = [
    "a",
    "acme/acme-v02.api.letsencrypt.org-directory/users/me@example.com/me.json",
    "certificates/acme-v02.api.letsencrypt.org-directory/example.com/example.com.crt",
    "certificates/acme-v02.api.letsencrypt.org-directory/example.com/example.com.json",
    "certificates/acme-v02.api.letsencrypt.org-directory/example.com/example.com.key",
]
TEMPLATES = ["AES128_GCM", "AES128_GCM_RAW", "AES256_GCM", "AES256_GCM_RAW"]


def template(name):
    return getattr(aead.aead_key_templates, name)


def write_keyset(folder, handle):
    folder.mkdir(parents=True, exist_ok=True)
    text = tink.json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    (folder / "keyset.json").write_text(text + "\n")


def read_keyset(folder):
    text = (folder / "keyset.json").read_text()
    handle = tink.json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
    return handle.primitive(aead.Aead)


def write_value(folder, primitive, key, value):
    for kind, data in (("objects", primitive.encrypt(value, key.encode())), ("plain", value)):
        path = folder / kind / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def make(root):
    """A set for each template, of values of several lengths."""
    for name in TEMPLATES:
        folder = root / name
        handle = tink.new_keyset_handle(template(name))
        write_keyset(folder, handle)
        primitive = handle.primitive(aead.Aead)
        for index, key in enumerate(KEYS):
            write_value(folder, primitive, key, bytes(range(256)) * index * 7)


def open_sets(root):
    """Opens every value of every set below a folder, and sees that none opens for another key."""
    opened = 0
    for folder in sorted(root.iterdir()):
        primitive = read_keyset(folder)
        objects = folder / "objects"
        for path in sorted(path for path in objects.rglob("*") if path.is_file()):
            key = path.relative_to(objects).as_posix()
            value = primitive.decrypt(path.read_bytes(), key.encode())
            assert value == (folder / "plain" / key).read_bytes(), key
            try:
                primitive.decrypt(path.read_bytes(), (key + "x").encode())
            except tink.TinkError:
                opened += 1
            else:
                raise AssertionError(f"{key} opens for another key")
    print(opened)


def site():
    """Key, certificate and metadata of example.com, as certmagic stores them."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    start = datetime.datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return {
        KEYS[1]: json.dumps({"status": "valid", "contact": ["mailto:me@example.com"]}).encode(),
        KEYS[2]: certificate.public_bytes(pem),
        KEYS[3]: json.dumps({"sans": ["example.com"], "issuer_data": {}}, indent="\t").encode(),
        KEYS[4]: key.private_bytes(
            pem,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
    }


def fixtures(root):
    """What certmagic-gcs and certmagic-oss leave in a bucket: the key of their README, and a keyset that was rotated."""
    values = site()
    folder = root / "aes128-gcm-raw"
    handle = tink.new_keyset_handle(template("AES128_GCM_RAW"))
    write_keyset(folder, handle)
    for key, value in values.items():
        write_value(folder, handle.primitive(aead.Aead), key, value)

    folder = root / "rotated"
    old = tink.new_keyset_handle(template("AES128_GCM_RAW"))
    new = tink.new_keyset_handle(template("AES256_GCM"))
    both = [
        json.loads(tink.json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
        for handle in (old, new)
    ]
    both[1]["key"] = both[0]["key"] + both[1]["key"]
    rotated = tink.json_proto_keyset_format.parse(json.dumps(both[1]), secret_key_access.TOKEN)
    write_keyset(folder, rotated)
    for index, (key, value) in enumerate(values.items()):
        primitive = (old if index % 2 else rotated).primitive(aead.Aead)
        write_value(folder, primitive, key, value)


if __name__ == "__main__":
    aead.register()
    {"make": make, "open": open_sets, "fixtures": fixtures}[sys.argv[1]](pathlib.Path(sys.argv[2]))
