"""RAVDESS's performances from action units and audio: a fusion model measured on actors that it did not learn from."""
