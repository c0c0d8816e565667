"""Networks: backbones, losses, the training loop, evaluation, export. Runs as ``python -m``; knows nothing of Dagster."""
