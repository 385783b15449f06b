"""How every stage learns: one loop, what an interrupted one goes on from, and the files of those that are done."""
