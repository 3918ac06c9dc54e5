"""Dagster's place: repair, statistics, retention, reports. Nothing stands here yet."""
