"""The AVAFN dialogue states, one step a turn."""
