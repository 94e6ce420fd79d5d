"""The explorers in a real browser."""
