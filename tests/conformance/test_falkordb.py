"""FalkorDB passes the conformance kit."""

from __future__ import annotations

from runic.orm.testing.suite import *
