"""What bytes mean: pure, incremental, bounded."""
