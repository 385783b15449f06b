"""Recorded conversations as streams of segments."""
