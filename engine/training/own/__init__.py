"""Training on a corpus of one's own: a manifest and a checkpoint in, a checkpoint that knows both out."""
