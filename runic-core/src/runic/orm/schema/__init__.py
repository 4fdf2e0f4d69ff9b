"""Index declarations of models, as the schema managers read them."""
