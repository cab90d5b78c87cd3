"""The contracts as code: one call judges an encoder, a fold or an engine, a stranger's as well as ours.

This room must not know any implementation; the checks raise `AssertionError` with the law that broke.
"""

from vecwise.testing.encoders import check_encoder
from vecwise.testing.engines import check_engine
from vecwise.testing.folds import check_fold

__all__ = ["check_encoder", "check_engine", "check_fold"]
