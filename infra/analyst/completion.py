"""What Tab offers at the prompt: views, the columns of those that the question names, and SQL's words."""

import re
from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from infra.analyst.views import View

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
# fmt: off
KEYWORDS = (
    "SELECT", "DISTINCT", "FROM", "FINAL", "WHERE", "GROUP", "BY", "HAVING", "ORDER", "LIMIT", "OFFSET", "WITH", "AS", "JOIN",
    "INNER", "LEFT", "USING", "ON", "AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL", "CASE", "WHEN", "THEN", "ELSE",
    "END", "UNION", "ALL", "ASC", "DESC", "INTERVAL", "OVER", "PARTITION", "WINDOW", "DESCRIBE", "EXPLAIN", "SHOW", "count",
    "sum", "avg", "min", "max", "any", "argMax", "argMin", "uniqExact", "quantile", "median", "round", "toDate",
    "toStartOfMinute", "toStartOfInterval", "toMonday", "toStartOfMonth", "dateDiff", "now", "countIf", "sumIf", "avgIf",
    "arrayMap", "sumForEach",
)
# fmt: on


class Names(Completer):
    """Completes the word before the cursor; what fits the question best comes first."""

    def __init__(self, views: tuple[View, ...]) -> None:
        self._views = views

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        begun = WORD.search(document.text_before_cursor)
        word = begun.group() if begun else ""
        if not word and not complete_event.completion_requested:
            return
        seen: set[str] = set()
        for name, what in self._offered(document):
            if name.lower().startswith(word.lower()) and name not in seen:
                seen.add(name)
                yield Completion(name, start_position=-len(word), display_meta=what)

    def _offered(self, document: Document) -> Iterator[tuple[str, str]]:
        before = document.text_before_cursor
        yield from ((view.name, view.purpose) for view in self._views if not re.search(r"\.\w*$", before))
        named = [view for view in self._views if re.search(rf"\b{view.name}\b", document.text)]
        for view in named or self._views:
            yield from ((column.name, f"{column.meaning} [{column.unit}]") for column in view.columns)
        yield from ((keyword, "") for keyword in KEYWORDS)
