"""What the four works excluded: other architectures, looked at with their methods."""
