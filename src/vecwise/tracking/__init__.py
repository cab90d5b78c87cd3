"""Runs: what was done, with what, and what came out; a journal that no command waits for."""
