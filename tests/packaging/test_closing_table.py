"""No backend is passed over in silence: the closing table says why, and a required one fails the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RUNIC_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, "RUNIC_TEST_START_SECONDS": "0.2", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_server_that_cannot_be_had_is_skipped_with_the_reason() -> None:
    answer = run("tests/live/test_servers.py", RUNIC_TEST_FALKORDB_URL="falkordb://127.0.0.1:1")
    assert answer.returncode == 0, answer.stdout
    assert re.search(r"^\d+ skipped", answer.stdout, re.MULTILINE)
    assert "not tested: nothing answers at 127.0.0.1:1" in answer.stdout


def test_a_required_server_that_cannot_be_had_fails_its_tests() -> None:
    answer = run(
        "tests/live/test_servers.py",
        RUNIC_TEST_FALKORDB_URL="falkordb://127.0.0.1:1",
        RUNIC_TEST_REQUIRE="falkordb",
    )
    assert answer.returncode == 1
    assert "falkordb is required (RUNIC_TEST_REQUIRE) and not available" in answer.stdout
    assert "(REQUIRED)" in answer.stdout


def test_a_required_backend_without_any_test_fails_the_run_too() -> None:
    answer = run("tests/unit/test_namespace.py", "-k", "owns_the_namespace", RUNIC_TEST_REQUIRE="nosuch")
    assert "failed" not in answer.stdout
    assert answer.returncode == 1
    assert "not tested: no such backend in tests/servers (REQUIRED)" in answer.stdout
