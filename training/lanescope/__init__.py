"""Lanescope training: the CHR network, its data and its export. Meets the app only at docs/MODEL_CONTRACT.md."""
