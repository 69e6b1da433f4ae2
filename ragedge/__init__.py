"""ragedge: ask your own documents on a box with no network."""

__version__ = "0.1.0"
