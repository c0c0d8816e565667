"""The indexes that `index_search.py` compares, and how each is built, opened and searched."""
