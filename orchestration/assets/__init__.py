"""Everything that Dagster shows: one file a subject. All of them are found by being here."""
