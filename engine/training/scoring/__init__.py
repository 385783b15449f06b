"""How good answers are: scores, concordance, and how far chance alone could move them."""
