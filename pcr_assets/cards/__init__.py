"""Cards: which scan shows which card, shards of cleaned cards, the training snapshot, the calibration set."""
