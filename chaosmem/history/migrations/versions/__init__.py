"""One module a schema version, in order; a released one is never edited."""
