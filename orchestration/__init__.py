"""Dagster's place: repair of summaries, statistics over days, checks, backups. Nothing of a running class depends on it."""
