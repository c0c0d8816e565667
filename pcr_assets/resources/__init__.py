"""What the assets are given: the store, the artifacts in it, the signing key, the Hailo compiler."""
