"""Where heavy work runs: on this machine, in several processes that torchrun starts, or in a rented training job.

Training and export are programs (``python -m pcr_assets.learning.…``) that read a job file and write into a folder. The assets
ask the resource in :mod:`pcr_assets.compute.resource` to run one; the profile says where. What is trained, and how, is in
:mod:`pcr_assets.learning`.
"""
