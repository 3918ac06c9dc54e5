"""What a decoder raises for bytes that are no such message. Whoever reads a topic catches all of it: anybody may write there.

`msgspec` alone is not enough: text that is no UTF-8 raises UnicodeDecodeError, nesting without end RecursionError, and a
message without a value (a tombstone) TypeError.
"""

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError)
