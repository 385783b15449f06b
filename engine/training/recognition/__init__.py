"""Training of one face encoder: seven emotions from single pictures."""
