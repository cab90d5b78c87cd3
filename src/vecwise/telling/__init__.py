"""Answers in words and as JSON data: every command's result, before anything is printed."""
