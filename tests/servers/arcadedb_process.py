"""The process of an ArcadeDB server with Bolt: arcadedb-embedded, which brings its own Java.

    python arcadedb_process.py FOLDER HTTP_PORT BOLT_PORT PASSWORD [SETTINGS]

SETTINGS is a JSON object of further settings, each with ``_`` for the first dot behind ``arcadedb.``.

Prints "ready" when it answers, and ends when its standard input does: so it never outlives the tests.
"""

from __future__ import annotations

import json
import sys


def main(folder: str, http_port: str, bolt_port: str, password: str, settings: str = "{}") -> None:
    from arcadedb_embedded.server import ArcadeDBServer

    server = ArcadeDBServer(
        root_path=folder,
        root_password=password,
        config={
            "host": "127.0.0.1",
            "http_port": int(http_port),
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "bolt_port": int(bolt_port),
            "server_logsDirectory": f"{folder}/log",
            **json.loads(settings),
        },
        jvm_kwargs={"heap_size": "1g"},
    )
    server.start()
    print("ready", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
