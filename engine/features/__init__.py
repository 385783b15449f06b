"""Encoders: waveforms and face crops in, tokens out."""
