"""Files: sources that give rows, and datasets that keep vectors.

This package must not know encoders, measures, figures or the command line.
"""
