"""The page: what is going on now, and a dialogue as it goes, for people in a browser."""
