"""Passerelle: a city's memory and its evidence, shared between twin cities."""

from passerelle.client import City, Study, connect

__all__ = ["City", "Study", "connect"]
