"""Plugins: the hooks, what a backend is, and how one is found."""
