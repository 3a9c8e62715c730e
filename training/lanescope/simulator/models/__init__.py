"""Parametric solids of the things that bags hold, by kind."""
