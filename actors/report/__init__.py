"""What was found in recordings, as one page that stands alone."""
