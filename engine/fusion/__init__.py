"""Audio and video tokens in, one utterance vector out."""
