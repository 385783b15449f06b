"""The store of dialogue records."""
