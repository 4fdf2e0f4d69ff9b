"""Certificates for servers with TLS, made anew for each run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import pkcs12

PASSWORD = "changeit"
"""Of the key stores."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files of a server whose certificate is for ``localhost``, and for no address.

    Attributes:
        authority: the certificate of who signed the server's.
        stranger: that of an authority that has signed nothing here.
        key: the server's private key (PKCS #8).
        certificate: the server's certificate.
        key_store: both, for Java.
        trust_store: the authority, for Java.
    """

    authority: Path
    stranger: Path
    key: Path
    certificate: Path
    key_store: Path
    trust_store: Path


def make_certificates(folder: Path) -> Certificates:
    """Write them into ``folder``."""
    authority, stranger = trustme.CA(), trustme.CA()
    issued = authority.issue_cert("localhost")
    files = Certificates(
        *(folder / name for name in ("ca.pem", "stranger.pem", "private.key", "public.crt")),
        *(folder / name for name in ("key.p12", "trust.p12")),
    )
    authority.cert_pem.write_to_path(files.authority)
    stranger.cert_pem.write_to_path(files.stranger)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    own = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    root = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    files.certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    lock = serialization.BestAvailableEncryption(PASSWORD.encode())
    files.key_store.write_bytes(pkcs12.serialize_key_and_certificates(b"server", key, own, None, lock))
    files.trust_store.write_bytes(
        pkcs12.serialize_java_truststore([pkcs12.PKCS12Certificate(root, b"authority")], lock)
    )
    return files
