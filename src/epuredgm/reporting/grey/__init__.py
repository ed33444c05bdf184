"""Reports on grey pictures: parts that a page and a document both show, each from what a result holds.

A part that a result has nothing for says so and why; it never breaks a report.
"""
