"""A live source or a recording, cut into segments as it comes."""
