"""Rows into entities and entities into rows, by generated code. Pure: no I/O."""
