"""Dual-energy X-ray scans from first principles: solids, thickness, Beer-Lambert, pseudo-colour. See README.md here."""
