"""Apache AGE on PostgreSQL. No backend is registered here yet."""
