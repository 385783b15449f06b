"""The log: records in, records out, offsets."""
