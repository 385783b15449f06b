"""Training of one voice encoder, measured on speakers that it did not learn from."""
