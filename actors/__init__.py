"""The engine on a cluster: Ray actors, the embedded servers and the command line."""
