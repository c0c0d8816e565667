"""Where everything lies below the store's root. The layout is the project's own and outlives any version of this code."""

PROJECT = "project/pokemon-card-recognition"

RAW = "data/raw/card_images"
PHOTOS = "data/raw/photos"
STRANGERS = "data/raw/strangers"

PROCESSED = "data/processed"
SNAPSHOT = "data/training_snapshot"
CALIBRATION = "data/calibration"
EMBEDDINGS = "data/reference/embeddings"
INDEX = "data/reference/index"
REFERENCES = "data/reference/pictures"

TEACHER = "models/dinov3-teacher"
STAGE1 = "models/efficientnet-student/stage1"
STAGE2 = "models/efficientnet-student/stage2"
ONNX = "models/efficientnet-student/onnx"
INT8 = "models/efficientnet-student/int8"
HEF = "models/efficientnet-hailo"
OUTLINE_FILTER = "models/outline-filter"

REPORT = "analytics/recognition_report"
SELF_TEST = "analytics/self_test"
RELEASES = "releases"
PARTS = "releases/parts"
METADATA = "releases/metadata"
IN_USE = "releases/in_use"
