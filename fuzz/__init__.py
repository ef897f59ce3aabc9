"""Programs that feed callmon bytes nobody would send."""
