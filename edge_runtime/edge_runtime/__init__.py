"""Names the cards on a photo from a signed release, offline."""
