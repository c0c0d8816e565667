"""Saying on the page which card of a photo was named wrong, or not at all, in a real browser."""

import cv2
import pytest

from edge_runtime.feedback.box import kept
from edge_runtime.feedback.corrections import Corrections

CHOSEN = "document.querySelector('#correct-cards input:checked')?.value"


@pytest.mark.parametrize("width", [390, 1366])
def test_a_card_on_a_photo_is_corrected_beside_it(page, serve, scans, stranger, table, jpeg, tmp_path, width):
    """Only what lay in front of the camera could be: a shop that photographs its cards had no way to say that a name is wrong."""
    _, client = serve(corrections=Corrections(tmp_path / "box"))
    photo = tmp_path / "photo.jpg"
    table[60:360, 60:280], table[60:360, 360:580] = (
        cv2.resize(card, (220, 300)) for card in (scans["demo-1"], stranger)
    )
    photo.write_bytes(jpeg(table))
    page.open(client.base, width)
    page.choose("#file", photo)
    page.sees("#photo-answer", "Amber Fox")
    buttons = "[...document.querySelectorAll('#photo-answer .correct')]"
    assert page.run(f"{buttons}.map((button) => button.textContent)") == ["Wrong?", "Which?"]
    assert page.run(f"{buttons}.map((button) => button.getAttribute('aria-label'))") == [
        "Wrong? card 1 of 2 on the photo: It was told as: Amber Fox, Demo Days · 1",
        "Which? card 2 of 2 on the photo: It was told as no card of this release.",
    ]
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("document.querySelectorAll('#photo-answer .seen').length") == 1, "of the one without a name"
    page.run(f"{buttons}[0].focus()")
    page.press("Enter")
    page.sees("#correction", "It was told as: Amber Fox, Demo Days · 1")
    page.type("heron")
    page.press("Enter")
    page.until(f"{CHOSEN} === 'demo-2'")
    page.press("Enter")
    page.sees("#photo-answer", "kept as demo-2")
    page.until("document.activeElement.textContent === 'kept as demo-2'")
    page.run(f"{buttons}[1].click()")
    page.sees("#correction", "It was told as no card of this release.")
    page.type("next1-7")
    page.press("ArrowDown")
    page.press("Enter")
    page.sees("#photo-answer", "kept as next1-7")
    assert {(said["card_id"], said["corrected"]) for said in kept(tmp_path / "box")} == {
        ("demo-1", "demo-2"),
        ("", "next1-7"),
    }


def test_beside_a_photo_nobody_is_asked_where_nothing_is_kept(page, serve, scans, photo_of, jpeg, tmp_path):
    _, client = serve()
    (tmp_path / "photo.jpg").write_bytes(jpeg(photo_of(scans["demo-1"])))
    page.open(client.base)
    page.choose("#file", tmp_path / "photo.jpg")
    page.sees("#photo-answer", "Amber Fox")
    assert "Wrong?" not in page.text("#photo-answer")
