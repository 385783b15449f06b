"""A checkpoint's parts, where trainings look for them."""

from engine.parts import Parts, load

__all__ = ["Parts", "load"]
