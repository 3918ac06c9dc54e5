"""Battery Level, 0x2A19 (Battery Service 1.0)."""

from ingest.straps.characteristics.packet import BadPacket, Packet


def decode_battery(content: bytes) -> int:
    """The charge in percent. Raises BadPacket."""
    percent = Packet(content).take(1)
    if percent > 100:
        raise BadPacket(f"a charge of {percent} %")
    return percent
