"""A call center that never closes: calls that arrive, talk, hang up, break off and go wrong, at chosen rates."""
