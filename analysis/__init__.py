"""Recordings, whole: where the parsers of files and the steps of the flows meet, without any server."""
