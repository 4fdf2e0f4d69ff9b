"""Sessions: the unit of work, its flush, loading, and the two facades."""
