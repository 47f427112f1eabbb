"""Results as tables, JSON, JUnit XML, GitHub annotations and HTML pages; no result is computed here.

Door: github, junit, pages, report, strict_json, tables.
"""
