"""What a checkpoint learns: its encoders, its fusion and dialogue states, the second look, its temperature."""
