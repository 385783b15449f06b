"""Corpora, recipes and the making of checkpoints."""
