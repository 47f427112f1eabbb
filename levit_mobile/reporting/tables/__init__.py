"""What each command prints, as tables, lines and JSON: one module a command."""
