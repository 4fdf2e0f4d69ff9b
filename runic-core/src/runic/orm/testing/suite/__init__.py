"""Every check of the kit, to be imported with a star into one test file."""

from __future__ import annotations

from runic.orm.testing.suite.crud import *
