"""Reports as tables, JSON, JUnit XML, GitHub annotations and HTML pages; computes nothing that is not in them.

Door: github, junit, pages, report, tables, text.
"""
