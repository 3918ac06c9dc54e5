"""What the packets of standard Bluetooth sensors say: pure functions, one file per characteristic, no vendor."""
