"""Dagster's pages under /dagster, for admins only: Dagster has no sign-in of its own and listens where only we get in."""
