"""Reports as tables, JSON, JUnit XML, GitHub annotations and one HTML page; computes nothing that is not in them."""
