"""HTML pages, each one file that holds all it shows."""
