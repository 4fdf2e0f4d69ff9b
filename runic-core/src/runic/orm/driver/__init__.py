"""Drivers: the port in core, one package a backend beside it."""

import pkgutil

# First-party backends are separate distributions that land in this package.
__path__ = pkgutil.extend_path(__path__, __name__)
