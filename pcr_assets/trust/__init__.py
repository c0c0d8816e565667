"""Who may say what a release is: the keys, and the metadata of The Update Framework (TUF) that lie beside the releases.

Run as ``python -m pcr_assets.trust``; ``docs/releases.md`` says which key belongs where. What a device makes of the metadata is
``edge_runtime.releases.channel``'s to decide. Nothing here knows what is in a release.
"""
