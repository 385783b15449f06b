"""Effects: what each option of a training adds, by the same training with that option left out."""
