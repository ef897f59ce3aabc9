"""Where figures and alerts go."""
