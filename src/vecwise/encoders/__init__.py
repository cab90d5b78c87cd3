"""Rows become vectors: the encoders, and the guess of which one fits a table."""
