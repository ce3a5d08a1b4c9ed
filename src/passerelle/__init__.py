"""Passerelle: a city's memory and its evidence, shared between twin cities."""
