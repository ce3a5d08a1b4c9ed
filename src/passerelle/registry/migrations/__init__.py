"""The registry's migrations, run by Alembic whenever a registry is opened."""
