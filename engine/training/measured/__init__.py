"""What a checkpoint is worth: measured under conditions, in whose voices, and told as a table."""
