"""Corpora: each reader names its source, its licence, its label map and its traps."""
