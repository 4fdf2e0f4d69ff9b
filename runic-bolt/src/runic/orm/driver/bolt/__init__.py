"""Databases that speak Bolt: drivers, and what their dialects share.

The client library is imported when a connection is made, not before.
"""

from __future__ import annotations

from .dialect import BoltDialect
from .driver import AsyncBoltDriver, BoltDriver
from .options import Options, options_from_url, url_schemes

__all__ = ["AsyncBoltDriver", "BoltDialect", "BoltDriver", "Options", "options_from_url", "url_schemes"]
