"""Where the faces are, and crops of the one that speaks."""
