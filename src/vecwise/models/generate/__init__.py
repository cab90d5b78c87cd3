"""Text generators: a small language model trained on a user's lines and steered by the vector of a sentence.

This package must not know the command line, nor how anything is drawn.
"""
