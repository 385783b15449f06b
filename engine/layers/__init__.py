"""Torch blocks that several models share."""
