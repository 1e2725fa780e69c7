"""A small stock-analysis web application that is observed the way a real one would be."""
