"""What is installed, read from package metadata alone: no plugin is imported here.

Layer: plugin. ``importlib.metadata`` is imported inside the functions, because it costs more than
all the rest of ``import runic.orm``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "CLI_GROUP",
    "GROUP",
    "PROTOCOLS",
    "RESTRICT",
    "Installed",
    "canonical",
    "extras_with_plugins",
    "read_group",
]

GROUP = "runic.backends"
"""Entry-point group of backends: the entry's name is the backend's public name."""

CLI_GROUP = "runic.cli"
"""Entry-point group of plugins that add commands to the ``runic`` command."""

RESTRICT = "RUNIC_PLUGINS"
"""Environment variable: only plugins of these distributions are seen (``dist,dist``; empty: none)."""

PROTOCOLS = frozenset(
    {"bolt", "redis", "rediss", "unix", "postgres", "postgresql", "http", "https", "ws", "wss"}
)
"""Wire protocols: several databases speak each, so none of these words chooses a backend."""

CORE = "runic-core"


@dataclass(frozen=True, slots=True)
class Installed:
    """One entry of package metadata.

    Attributes:
        name: the entry's name; a backend's public name.
        distribution: the distribution that holds it.
        version: that distribution's version.
        target: what would be imported, ``module:attribute``.
    """

    name: str
    distribution: str
    version: str
    target: str
    entry_point: EntryPoint = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.target})"


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def read_group(group: str) -> tuple[tuple[Installed, ...], tuple[Installed, ...]]:
    """The entries of a group, and those that :data:`RESTRICT` hides; both sorted by name."""
    from importlib.metadata import entry_points

    allowed = os.environ.get(RESTRICT)
    names = None if allowed is None else {canonical(each.strip()) for each in allowed.split(",")}
    seen: list[Installed] = []
    hidden: list[Installed] = []
    for entry in entry_points(group=group):
        home = entry.dist
        distribution = home.name if home is not None else "(unknown)"
        version = home.version if home is not None else "?"
        found = Installed(entry.name, distribution, version, entry.value, entry)
        (seen if names is None or canonical(distribution) in names else hidden).append(found)

    def order(each: Installed) -> tuple[str, str]:
        return each.name, canonical(each.distribution)

    return tuple(sorted(seen, key=order)), tuple(sorted(hidden, key=order))


def extras_with_plugins() -> tuple[str, ...]:
    """Extras of runic-core that bring a plugin, so that a message can say what to install.

    They are read from the metadata of the installed distribution: the core itself knows no
    backend's name.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires(CORE) or []
    except PackageNotFoundError:
        return ()
    found: set[str] = set()
    for line in requirements:
        match = re.match(r"(?P<name>[A-Za-z0-9._-]+).*;.*extra\s*==\s*[\"'](?P<extra>[^\"']+)[\"']", line)
        if match is None:
            continue
        distribution = canonical(match["name"])
        if distribution.startswith("runic-") and distribution != CORE:
            found.add(match["extra"])
    return tuple(sorted(found - PROTOCOLS))
