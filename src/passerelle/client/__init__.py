"""Typed methods for Python that return Polars frames, over HTTP or on a stopped folder."""

from passerelle.client.city import AnswerError, City, Study, connect

__all__ = ["AnswerError", "City", "Study", "connect"]
