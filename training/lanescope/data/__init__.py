"""Real scans, cut-outs and threat image projection."""
