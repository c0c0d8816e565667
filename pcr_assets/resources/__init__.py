"""What the assets are given: the store, the artifacts in it, compute, the signing key, the Hailo compiler."""
