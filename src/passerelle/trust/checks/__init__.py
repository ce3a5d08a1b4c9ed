"""One check per file: `CHECK` says what it means and holds the pure functions that look for it."""
