"""How good compressed images are, and what they cost."""
