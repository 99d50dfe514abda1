"""A run told as text: Markdown, HTML, JSON, JUnit XML, lines for a terminal. No file is written here.

A new format is one file beside `json_report.py`, one row in `registry.FORMATS`, and it passes the
contract test that all of them pass. Knows nothing of `_tasks/`, git or the terminal.
"""
