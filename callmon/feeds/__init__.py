"""Streams of events: everything with a socket or a file."""
