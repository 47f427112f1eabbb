"""Fixtures shared by all tests; slow conversions are made once a session."""
