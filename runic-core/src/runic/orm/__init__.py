"""runic: one model, one session API, any Cypher database."""

import pkgutil

# Backends and the testing kit may be separate distributions that extend this package.
__path__ = pkgutil.extend_path(__path__, __name__)
