"""Asking the publishers: when, within which budgets, and what came of it."""
