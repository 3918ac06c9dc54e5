"""Which session an event belongs to: the directory, read on before an event is called unknown."""

from collections.abc import Mapping

from infra.directory import DirectoryReader
from infra.errors import Unavailable
from pipelines.decoding import Decoded, Event, Letters
from schemas.directory import SessionRecord
from schemas.events import NO_SESSION


class Sessions:
    """The sessions of the directory as a flow sees them. `reader` must be following."""

    def __init__(self, reader: DirectoryReader) -> None:
        self._reader = reader

    @property
    def records(self) -> Mapping[str, SessionRecord]:
        return self._reader.directory.sessions

    def catch_up(self) -> None:
        """Know all that the directory says now.

        Raises Unavailable when it cannot be read to its end.
        """
        if not self._reader.catch_up():
            raise Unavailable("The topic `directory` could not be read to its end", "The flow tries again after its restart.")

    def refuse_unknown(self, decoded: Decoded[Event], letters: Letters) -> Decoded[Event]:
        """Dead letters for events of sessions that nobody opened; the rest. Events outside any session pass.

        Raises Unavailable when the directory cannot be read to its end: nothing is refused on a guess.
        """
        asked = decoded.session_ids - {NO_SESSION}
        if not self._unknown(asked):
            return decoded
        self.catch_up()
        unknown = self._unknown(asked)
        if not unknown:
            return decoded
        for event, message in zip(decoded.events, decoded.messages, strict=True):
            if event.session_id in unknown:
                letters.write(message, "unknown_session", f"session_id: {event.session_id} is not in the directory")
        return decoded.keep(lambda event: event.session_id not in unknown)

    def _unknown(self, asked: set[str]) -> set[str]:
        return asked.difference(self.records)
