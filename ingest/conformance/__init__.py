"""What every source must get from a gateway, tried out for the author of one."""
