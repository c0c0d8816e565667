"""The gallery: embeddings of all cards, the index, thresholds, the recognition report, the signed release."""
