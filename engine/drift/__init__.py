"""How far live turns are from those of training: a reference, where a turn falls in it, and the distance of many."""
