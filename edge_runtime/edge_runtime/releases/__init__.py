"""A release from a publisher to a device: pulled, verified, tried, kept, opened."""
