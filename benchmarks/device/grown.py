"""A release grown to as many cards as are asked for: copies of its own, moved a little in the space of the embeddings.

A tenth of the copies are twins, as near to their card as a reprint. The others are farther, but nearer than another card is:
each copy has the reference picture of its card, so that the release is as large on the disk as a real one of that size, and a
picture must agree with its vector (`edge_runtime/pair.py`).
"""

import csv
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
from usearch.index import Index

from edge_runtime.gallery import Gallery
from edge_runtime.references import References, features_name, picture_name
from edge_runtime.release import Release

TWINS = 0.1
TWIN_COSINE, OTHER_COSINE = (0.985, 0.999), (0.86, 0.97)
PER_ARCHIVE = 100


def near(
    vectors: np.ndarray, cosines: np.ndarray, rng: np.random.Generator, spread: np.ndarray | None = None
) -> np.ndarray:
    """For each unit vector float32 N×D another with the cosine that is asked for, in a direction drawn by chance: any, or by
    :func:`spread_of` other vectors one in which those differ."""
    away = rng.normal(size=vectors.shape).astype(np.float32)
    if spread is not None:
        away = away @ spread
    away -= np.sum(away * vectors, axis=1, keepdims=True) * vectors
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return (cosines[:, None] * vectors + np.sqrt(1 - cosines[:, None] ** 2) * away).astype(np.float32)


def spread_of(vectors: np.ndarray) -> np.ndarray:
    """The directions in which vectors float32 N×D differ, each as far as they do: a root of their covariance, float32 D×D."""
    variances, axes = np.linalg.eigh(np.cov(vectors.T))
    return (axes * np.sqrt(np.maximum(variances, 0))).T.astype(np.float32)


def grown_vectors(vectors: np.ndarray, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``count`` unit vectors: those given first, then copies. With the row each came from, and whether it is a twin of it."""
    rng = np.random.default_rng(seed)
    added = max(0, count - len(vectors))
    rows = rng.integers(0, len(vectors), added)
    twins = rng.random(added) < TWINS
    cosines = np.where(twins, rng.uniform(*TWIN_COSINE, added), rng.uniform(*OTHER_COSINE, added)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    made = np.concatenate([unit, near(unit[rows], cosines, rng)])
    return made, np.concatenate([np.arange(len(vectors)), rows]), np.concatenate([np.zeros(len(vectors), bool), twins])


def grow(release: Release, count: int, folder: Path) -> Path:
    """Write the grown release to a folder, unsigned: one variant, the default one of those for the processor."""
    variant = release.variant()
    gallery = Gallery.open(variant.index, release.catalogue)
    vectors, rows, twins = grown_vectors(gallery.vectors(gallery.keys), count)
    bases = [gallery.keys[row] for row in rows]
    keys = [*gallery.keys, *_fresh_keys(set(gallery.keys), count - len(gallery.keys))]
    folder.mkdir(parents=True)
    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
    index.add(np.array(keys, np.uint64), vectors)
    index.save(str(folder / "grown.usearch"))
    _write_catalogue(folder / "catalogue.csv", gallery, keys, bases, twins)
    archives = list(_write_references(folder, References(release.references), keys, bases))
    shutil.copy(variant.model, folder / variant.model.name)
    said: dict[str, Any] = json.loads(json.dumps(release.manifest))
    entry = {**said["variants"][variant.name], "model": variant.model.name, "index": "grown.usearch"}
    manifest = {
        **said,
        "release_id": f"grown-{count}",
        "catalogue": "catalogue.csv",
        "references": archives,
        "variants": {variant.name: entry},
        "default_variant": variant.name,
    }
    for file in (release.outline_filter, release.self_test):
        if file:
            shutil.copy(file, folder / file.name)
    manifest["files"] = {path.name: _listed(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _fresh_keys(taken: set[int], count: int) -> list[int]:
    keys = (int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:8], "big") for number in range(2 * count + 1))
    return [key for key in keys if key not in taken][: max(0, count)]


def _write_catalogue(
    path: Path, gallery: Gallery, keys: Sequence[int], bases: Sequence[int], twins: np.ndarray
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "card_id", "view", "name", "set", "number", "art_group"])
        for number, (key, base) in enumerate(zip(keys, bases, strict=True)):
            card = gallery.card(base)
            own = number < len(gallery.keys)
            card_id = card.card_id if own else f"{card.card_id}-copy{number}"
            art = card.art_group if own or twins[number] else card_id
            rows.writerow([key, card_id, 0, card.name, card.set_id, card.number, art])


def _write_references(folder: Path, references: References, keys: Sequence[int], bases: Sequence[int]) -> Iterator[str]:
    pairs = [(key, base) for key, base in zip(keys, bases, strict=True) if base in references]
    for start in range(0, len(pairs), PER_ARCHIVE):
        name = f"references-{start // PER_ARCHIVE:04d}.zip"
        with zipfile.ZipFile(folder / name, "w") as archive:
            for key, base in pairs[start : start + PER_ARCHIVE]:
                archive.writestr(picture_name(key), references.encoded(base))
                archive.writestr(features_name(key), references.features(base).to_bytes())
        yield name


def _listed(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}
