"""The server's HTTP endpoint for SQL: what Bolt cannot do, which is types and some kinds of indexes."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    ConstraintViolation,
    DriverError,
    QueryError,
    ServerError,
)

__all__ = ["SqlEndpoint"]


@dataclass(frozen=True, slots=True)
class SqlEndpoint:
    """Where SQL goes.

    Attributes:
        host: the server.
        port: its HTTP port, 2480 unless it was told otherwise; that for HTTPS is another one, 2490.
        database: the database.
        username: with ``password``.
        password: never shown.
        tls: HTTPS, with a certificate that the system trusts.
        ca_certs: file of certificate authorities to trust instead.
        any_certificate: whether the server's certificate is taken without a look.
        timeout: longest wait for an answer in seconds: building an index takes its time.
    """

    host: str
    port: int
    database: str | None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_certs: str | None = None
    any_certificate: bool = False
    timeout: float = 300.0

    @property
    def address(self) -> str:
        """Where it is, for messages."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def run(self, statement: str) -> list[dict[str, Any]]:
        """Run one SQL statement and return its rows.

        Raises:
            QueryError: no database was named.
            ConnectionLostError: nothing answers at the HTTP port.
            AuthError: the server refused the credentials.
            ConstraintViolation: stored records do not fit.
            ServerError: any other error, with the server's own words.
        """
        if not self.database:
            raise QueryError("SQL needs the name of a database: pass database=", backend="arcadedb")
        body = json.dumps({"language": "sql", "command": statement})
        headers = {"Content-Type": "application/json"}
        if self.username is not None:
            token = base64.b64encode(f"{self.username}:{self.password or ''}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {token}"
        connection = self._connection()
        try:
            connection.request("POST", f"/api/v1/command/{quote(self.database, safe='')}", body, headers)
            reply = connection.getresponse()
            status, text = reply.status, reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLostError(
                f"no answer from {self.address} ({error}): ArcadeDB takes indexes for searches and types over"
                " HTTP; give the port as http_port=",
                maybe_applied=False,
                backend="arcadedb",
                statement=statement,
            ) from error
        finally:
            connection.close()
        if status == 200:
            rows: list[dict[str, Any]] = json.loads(text)["result"]
            return rows
        raise _error(status, text, statement)

    def _connection(self) -> http.client.HTTPConnection:
        if not self.tls:
            return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        context = ssl.create_default_context(cafile=self.ca_certs)
        if self.any_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=context)


def _error(status: int, text: bytes, statement: str) -> DriverError:
    try:
        facts: dict[str, Any] = json.loads(text)
    except ValueError:
        facts = {}
    native = str(facts.get("exception") or "")
    message = str(facts.get("detail") or facts.get("error") or text[:200])
    kind: type[DriverError] = ServerError
    if status in (401, 403):
        kind = AuthError
    elif native.endswith("DuplicatedKeyException") or "violates it" in message:
        kind = ConstraintViolation
    return kind(f"{message} (HTTP {status}, {native})", backend="arcadedb", statement=statement)
