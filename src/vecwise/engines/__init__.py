"""Where work runs: each engine is one function, `engine(fn, items)`, that yields `fn(item)` in order."""
