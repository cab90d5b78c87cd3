"""Answers drawn: the one look, plotly figures, and the self-contained HTML report.

This package must not know how anything was encoded, measured or stored.
"""
