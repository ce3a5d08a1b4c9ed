"""One file for each step from one set of tables to the next; a step once released is never edited."""
