"""Who speaks when, under ids that stay the same through a dialogue."""
