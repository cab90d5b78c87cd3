"""Vectors as a whole: clusters, layouts, indexes; what needs all rows at once, each with its limit."""
