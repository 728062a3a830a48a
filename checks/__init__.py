"""The engine: a port of a model in, a report out. Knows nothing of GitHub; usable as a library."""

__version__ = "0.1.0"
