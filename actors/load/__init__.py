"""A load that reaches Turntone through its gateway: by requests, or as live streams."""
