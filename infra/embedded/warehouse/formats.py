"""Output formats: their media types, and which may be sent piece by piece."""

_BINARY = "application/octet-stream"
_TYPES = {
    "arrow": "application/vnd.apache.arrow.file",
    "arrowstream": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "csvwithnamesandtypes": "text/csv; charset=UTF-8; header=present",
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "jsoncompacteachrow": "application/x-ndjson; charset=UTF-8",
    "native": _BINARY,
    "parquet": "application/vnd.apache.parquet",
    "rowbinary": _BINARY,
    "rowbinarywithnames": _BINARY,
    "rowbinarywithnamesandtypes": _BINARY,
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnames": "text/tab-separated-values; charset=UTF-8",
    "tabseparatedwithnamesandtypes": "text/tab-separated-values; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
}
# The engine writes each piece as a result of its own: only where results of these may follow each other is the whole the same.
_SEPARABLE = {
    "native",
    "tabseparated",
    "tsv",
    "tabseparatedraw",
    "tsvraw",
    "csv",
    "rowbinary",
    "jsoneachrow",
    "jsoncompacteachrow",
}


def content_type(name: str) -> str:
    """The media type of an output format."""
    return _TYPES.get(name.lower(), "text/plain; charset=UTF-8")


def is_separable(name: str) -> bool:
    """Whether the pieces that the engine hands out may be sent one after the other."""
    return name.lower() in _SEPARABLE
