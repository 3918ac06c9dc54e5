"""Reading a packet field by field, little-endian, as all Bluetooth characteristics are written."""


class BadPacket(Exception):
    """These bytes are not what the characteristic allows: the packet is dropped and counted, the link goes on."""


class Packet:
    """A packet and how far it has been read."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int, *, signed: bool = False) -> int:
        """The next `size` bytes as a number. Raises BadPacket when fewer are left."""
        end = self._at + size
        if end > len(self._content):
            raise BadPacket(f"{len(self._content)} bytes are too few: byte {end} was announced")
        value = int.from_bytes(self._content[self._at : end], "little", signed=signed)
        self._at = end
        return value

    def skip(self, size: int) -> None:
        """Pass over a field that nobody needs. Raises BadPacket when it is not there."""
        self.take(size)

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._content) - self._at
