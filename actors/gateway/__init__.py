"""The door for everything that speaks HTTP: segments in, turns, dialogues and alerts out."""
