"""Changes of the history's schema, one module each; alembic runs them."""
