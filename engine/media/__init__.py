"""Untrusted media: bytes in, decoded arrays out."""
