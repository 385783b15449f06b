"""Rotations: one recipe, trained and tested anew with every actor in another's place."""
