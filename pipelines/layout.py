"""The layout of a device event's bytes: where its digits and texts stand, when all else is the same in every message.

A layout is learnt from a message that the exact decoder accepted. A message is read by it only when every other byte is the
same, its digits are digits, its texts need no unescaping and its numbers lie in their ranges: then the exact decoder would
accept it too and find the same values.
"""

import re
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from pipelines.line_words import both, digits, word_at, word_places
from pipelines.steps.batch import STEPS, STRAP_SOURCE
from pipelines.steps.columns import Array
from pipelines.steps.roster import ID_BYTES, WORDS
from pipelines.steps.totals import STRAP_BIT
from schemas.events import DEVICE_EVENT_TYPES, Reading, reading_decoder

TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in DEVICE_EVENT_TYPES)
PAIR: Final = re.compile(
    rb'"(?P<name>[a-z_]+)":(?:'
    rb'"(?P<text>[ !#-\[\]-~]*)"|(?P<list>\[[0-9,]*\])|(?P<word>true|false)|'
    rb"(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)"
    rb")(?P<end>[,}])"
)
WHOLE_NUMBER: Final = re.compile(rb"[0-9]+")
DIGITS_MAX: Final = 18
EXACT_DIGITS: Final = 15
"""So many digits divided by a power of ten are the very double that a decimal parser finds; more may be off by a bit."""
HALF_WAY: Final = 1e-6
FILLER: Final = b" "
FILLERS: Final = int.from_bytes(FILLER * 8, "little")
QUOTE, BACKSLASH = ord('"'), ord("\\")
LINES: Final = 1_024
"""So many lines are compared at once: they and what becomes of them stay in the processor's cache."""
LITERAL: Final = frozenset({"type", "source", "contact", "schema_version"})


@dataclass(frozen=True)
class Number:
    """A number whose digits stand at the same places in every message."""

    begin: int
    point: int
    end: int
    """The decimals are behind `point`, where there are any; else it is `end`."""
    sign: int
    low: float
    high: float
    steps: int
    """The value is wanted in whole steps of 1/steps."""

    def read(self, matrix: Array) -> tuple[Array, Array | None]:
        """Values in steps, and which of them are good: none when all are."""
        whole, good = digits(matrix, self.begin, self.point)
        low = 10 ** (self.point - self.begin - 1) if self.point - self.begin > 1 else 0  # no zero in front of other digits
        decimals = max(self.end - self.point - 1, 0)
        if not decimals:
            value = whole * self.sign
            low = max(low, self.low) if self.sign > 0 else self.low
            return value * self.steps if self.steps > 1 else value, both(good, _inside(value, low, self.high))
        fraction, fine = digits(matrix, self.point + 1, self.end)
        value = (whole * 10**decimals + fraction) / 10.0**decimals * self.sign
        stepped = value * self.steps
        good = both(both(good, fine), both(_inside(whole, low, np.inf), _inside(value, self.low, self.high)))
        if self.point - self.begin + decimals > EXACT_DIGITS:
            sure = np.abs(stepped - np.floor(stepped) - 0.5) > HALF_WAY
            good = both(good, sure & (value > self.low + HALF_WAY) & (value < self.high - HALF_WAY))
        return np.rint(stepped).astype(np.int64), good


@dataclass(frozen=True, eq=False)
class Layout:
    """Where in a message of one length its parts stand. Each is only equal to itself."""

    length: int
    literal: Array
    mask: Array
    """Both in 64-bit words: which bytes must be as they are here."""
    texts: tuple[tuple[int, int], ...]
    session: int
    numbers: dict[str, Number]
    beats: tuple[Number, ...]
    strap: bool

    def fits(self, matrix: Array) -> Array | None:
        """Which messages have this layout, none when all have; one line a message, padded to whole words with `FILLER`."""
        good = self._literal_lines(matrix.view(np.uint64))
        if good is not None and not good.any():
            return good
        return both(good, self._plain_texts(matrix))

    def columns(self, matrix: Array) -> tuple[dict[str, Array], Array, Array | None]:
        """Of messages that fit: numbers by name in whole steps, intervals (one line a message), which are good (none: all)."""
        good: Array | None = None
        columns: dict[str, Array] = {}
        for name, number in self.numbers.items():
            columns[name], fine = number.read(matrix)
            good = both(good, fine)
        beats = np.empty((len(matrix), len(self.beats)), dtype=np.int64)
        for place, number in enumerate(self.beats):
            beats[:, place], fine = number.read(matrix)
            good = both(good, fine)
        if self.strap and "heart_rate_bpm" in columns:
            columns["heart_rate_bpm"] |= STRAP_BIT
        return columns, beats, good

    def session_words(self, matrix: Array) -> Array:
        """The session ids of all lines as `roster.words_of` has them, one column a line."""
        words = np.empty((WORDS, len(matrix)), dtype=np.uint64)
        for number in range(WORDS - 1):
            words[number] = word_at(matrix, self.session + 8 * number)
        np.right_shift(word_at(matrix, self.session + ID_BYTES - 8), 8 * (8 * WORDS - ID_BYTES), out=words[WORDS - 1])
        return words

    def _literal_lines(self, words: Array) -> Array | None:
        """Which lines have every other byte as it is here; none when all have."""
        good: Array | None = None
        other = np.empty((min(LINES, len(words)), words.shape[1]), dtype=np.uint64)
        for begin in range(0, len(words), LINES):
            part = words[begin : begin + LINES]
            found = np.bitwise_xor(part, self.literal, out=other[: len(part)])
            found &= self.mask
            if found.max():
                good = np.ones(len(words), dtype=bool) if good is None else good
                good[begin : begin + LINES] = found.max(axis=1) == 0
        return good

    def _plain_texts(self, matrix: Array) -> Array | None:
        """Which lines have nothing in their texts that needs unescaping; none when all have not."""
        places = [place for begin, end in self.texts for place in word_places(begin, end)]
        if not places:
            return None
        words = np.empty((len(places), len(matrix)), dtype=np.uint64)
        for number, (at, outside) in enumerate(places):
            words[number] = word_at(matrix, at)
            if outside:
                words[number] >>= np.uint64(outside)
                words[number] |= np.uint64(FILLERS << 64 - outside & FILLERS)
        text = words.view(np.uint8)
        odd: Array = text == QUOTE
        odd |= text == BACKSLASH
        if text.min() >= 32 and text.max() <= 126 and not odd.any():
            return None
        odd |= (text < 32) | (text > 126)
        return np.asarray(~odd.view(np.uint64).any(axis=0))


def learn(message: bytes) -> Layout | None:
    """The layout of a message; none when there is something in it that only the exact decoder understands."""
    parts = _parts(message)
    if parts is None or not parts.keys() <= LITERAL | TEXTS | NUMBERS.keys() | {"rr_ms"}:
        return None
    try:
        reading = reading_decoder.decode(message)
    except msgspec.MsgspecError:
        return None
    numbers = {name: _number(message, *parts[name].span("number"), NUMBERS[name]) for name in parts.keys() & NUMBERS.keys()}
    beats = _beats(message, parts.get("rr_ms"))
    known = [number for number in (*numbers.values(), *beats) if number is not None]
    if len(known) < len(numbers) + len(beats) or reading.type not in TYPES:
        return None
    texts = tuple(parts[name].span("text") for name in sorted(TEXTS))
    literal, mask = _literal(message, texts, known)
    return Layout(
        length=len(message),
        literal=literal,
        mask=mask,
        texts=texts,
        session=parts["session_id"].start("text"),
        numbers={name: number for name, number in numbers.items() if number is not None},
        beats=tuple(number for number in beats if number is not None),
        strap=reading.source == STRAP_SOURCE,
    )


def _parts(message: bytes) -> dict[str, re.Match[bytes]] | None:
    """The parts of a flat object written without blanks; none when it is anything else, or names something twice."""
    parts: dict[str, re.Match[bytes]] = {}
    at, end = 1, b","
    while end == b",":
        part = PAIR.match(message, at)
        if part is None:
            return None
        name = part["name"].decode()
        if name in parts:
            return None
        parts[name], at, end = part, part.end(), part["end"]
    return parts if message[:1] == b"{" and at == len(message) else None


@dataclass(frozen=True)
class _Field:
    whole: bool
    low: float
    high: float
    steps: int


def _number(message: bytes, begin: int, end: int, field: _Field) -> Number | None:
    if begin < 0:
        return None
    sign = -1 if message[begin : begin + 1] == b"-" else 1
    begin += sign < 0
    point = message.find(b".", begin, end)
    point = end if point < 0 else point
    if end - begin > DIGITS_MAX or (point < end and field.whole) or (sign < 0 and field.low >= 0):
        return None
    return Number(begin, point, end, sign, field.low, field.high, field.steps)


def _beats(message: bytes, part: re.Match[bytes] | None) -> list[Number | None]:
    if part is None:
        return []
    begin, end = part.span("list")
    found = [_number(message, *digits.span(), RR_MS) for digits in WHOLE_NUMBER.finditer(message, begin, end)]
    return found if begin >= 0 else [None]


def _literal(message: bytes, texts: tuple[tuple[int, int], ...], numbers: list[Number]) -> tuple[Array, Array]:
    size = len(message) + -len(message) % 8
    literal, mask = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    literal[: len(message)] = np.frombuffer(message, dtype=np.uint8)
    mask[: len(message)] = 255
    for begin, end in texts:
        mask[begin:end] = 0
    for number in numbers:
        mask[number.begin : number.point] = mask[number.point + 1 : number.end] = 0
    return literal.view(np.uint64), mask.view(np.uint64)


def _inside(values: Array, low: float, high: float) -> Array | None:
    """Which values lie within bounds; none when all do."""
    if values.min() >= low and values.max() <= high:
        return None
    return np.asarray((values >= low) & (values <= high))


def _field(kind: msgspec.inspect.Type, steps: int) -> _Field:
    """The range that the schema gives a number."""
    for of in kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,):
        match of:
            case msgspec.inspect.IntType(ge=int(low), le=int(high)):
                return _Field(True, low, high, steps)
            case msgspec.inspect.FloatType(ge=int() | float() as low, le=int() | float() as high):
                return _Field(False, low, high, steps)
    raise TypeError(f"{kind} is no number with a range")


def _fields() -> tuple[dict[str, _Field], _Field]:
    """Of the numbers that a reading may carry, and of one interval."""
    types = {name: kind for name, kind in _types().items() if name not in LITERAL | TEXTS}
    match types.pop("rr_ms"):
        case msgspec.inspect.VarTupleType(item_type=interval):
            return {name: _field(kind, STEPS.get(name, 1)) for name, kind in types.items()}, _field(interval, 1)
    raise TypeError("intervals are no tuple")


def _types() -> dict[str, msgspec.inspect.Type]:
    match msgspec.inspect.type_info(Reading):
        case msgspec.inspect.StructType(fields=fields):
            return {field.encode_name: field.type for field in fields}
    raise TypeError("a reading is no struct")


TEXTS: Final = frozenset({"event_id", "device_id", "session_id"})
NUMBERS, RR_MS = _fields()
