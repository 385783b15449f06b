"""AVAFN without one of its parts, causal and bidirectional, on the dialogue corpora."""
