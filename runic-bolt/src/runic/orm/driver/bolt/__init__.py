"""Bolt databases. No backend is registered here yet."""
