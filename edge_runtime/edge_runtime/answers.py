"""What is said of a photo: as a JSON value, and as lines for a person."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.terminal import on_one_line

if TYPE_CHECKING:
    from edge_runtime.reading.readings import Reading
    from edge_runtime.recognizer import Recognizer

LISTED = 2
"""Further candidates that a line for a person names."""


def answer_for(recognizer: "Recognizer", photo: str) -> dict[str, Any]:
    """What is said of one photo, as a JSON value. A photo that can't be read has the status ``error``."""
    from edge_runtime.embedder import EmbedderError
    from edge_runtime.gallery import GalleryError
    from edge_runtime.photo import PhotoError, load_photo

    started = time.perf_counter()
    try:
        found = recognizer.recognize(load_photo(photo))
    except (PhotoError, EmbedderError, GalleryError) as error:
        return {"photo": photo, "status": "error", "ms": _since(started), "cards": [], "error": str(error)}
    return {
        "photo": photo,
        "status": found.status,
        "ms": _since(started),
        "cards": [card_json(card) for card in found.cards],
    }


def card_json(reading: "Reading") -> dict[str, Any]:
    """One card of an answer as a JSON value; corners in pixels of the photo as stored upright."""
    from edge_runtime.geometry import as_numbers

    return {
        **reading.card.as_json(),
        "status": reading.status.value,
        "similarity": round(reading.similarity, 4),
        "candidates": [[match.card.card_id, round(match.similarity, 4)] for match in reading.candidates],
        "corners": as_numbers(reading.corners),
        "confidence": round(reading.confidence, 4),
        "other_printing": reading.other_printing,
    }


def in_words(answer: dict[str, Any]) -> str:
    """An answer for a person: a line for each card."""
    head = f"{on_one_line(Path(answer['photo']).name):<28.28} {answer['ms']:>6.0f} ms  "
    if answer["status"] == "error":
        return f"{head}{on_one_line(answer['error'])}"
    if not answer["cards"]:
        return f"{head}no card"
    return "\n".join(
        (head if row == 0 else " " * len(head)) + _card_line(card) for row, card in enumerate(answer["cards"])
    )


def _card_line(card: dict[str, Any]) -> str:
    if card["other_printing"]:
        return f"unknown card: another printing of {card['name']} ({card['set_name']} {card['number']})"
    if card["status"] == "unknown":
        return f"unknown card (nearest: {card['name']}, {card['similarity']:.2f})"
    line = (
        f"{card['name']:<26.26} {card['set_name']:<22.22} {card['number']:>5}  {card['similarity']:.2f}"
        f"  {100 * card['confidence']:>3.0f} % sure"
    )
    if card["status"] == "confirmed":
        return line
    others = [card_id for card_id, _ in card["candidates"][1:]] or ["another printing of it"]
    more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
    return f"{line}  uncertain, or {', '.join(others[:LISTED])}{more}"


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
