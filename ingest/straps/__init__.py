"""Real straps and machines: Bluetooth Low Energy sensors, from their packets to the gateway."""
