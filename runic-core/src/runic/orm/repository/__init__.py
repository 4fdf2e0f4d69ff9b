"""Repositories: one model, one session, the usual questions."""
