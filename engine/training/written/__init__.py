"""What a run leaves in its folder: weights, card, licence, tables and pictures."""
