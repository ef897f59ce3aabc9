"""callmon: a queue monitor for call centres."""

__all__ = ["__version__"]

__version__ = "0.1.0"
