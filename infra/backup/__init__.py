"""Everything that an installation knows, in one folder: taken while it runs, brought back into an empty one."""
