"""Every fusion model on the same features, under the same protocol."""
