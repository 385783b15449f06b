"""Weights that ship with the engine, as safetensors, with their cards and licences."""
