"""The console script: runs the command, or says how to install it.

It is part of runic-core, while the libraries it needs are the extra ``cli``; so nothing of theirs
is imported at the top of this module.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_LIBRARIES = frozenset({"typer", "rich", "click"})


def main() -> None:
    """Run ``runic``; without the extra ``cli``, print how to install it and exit with status 2."""
    try:
        from runic.orm.cli.app import build_app
    except ModuleNotFoundError as error:
        # Another module that is missing is a fault to be seen, not an extra to be installed.
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        sys.stderr.write(
            f'The runic command needs {error.name}, which is not installed: pip install "runic-core[cli]"\n'
        )
        sys.exit(2)
    build_app()()
