"""What applications declare: models, fields, relations, value types, and what is known of them."""
