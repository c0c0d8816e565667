"""The page in a real browser, as somebody with a mouse, a phone, a keyboard or a screen reader has it.

Needs Chromium or Chrome. Faults of accessibility are looked for with axe-core where ``AXE_CORE`` names its ``axe.min.js``
(the npm package ``axe-core``).
"""

import base64
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from edge_runtime.server.settings import Settings

SIZES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
READ = "document.querySelector('#photo-answer').innerText"


def two_on(table, scans):
    """A photo with the third card at the left of the second."""
    picture = table.copy()
    for scan, left in ((scans["demo-3"], 60), (scans["demo-2"], 360)):
        picture[80:400, left : left + 229] = cv2.resize(scan, (229, 320), interpolation=cv2.INTER_AREA)
    return picture


def test_a_card_is_named_beside_its_scan_and_in_the_history(page, serve, hand, scans, photo_of, table):
    _, client = serve(leave=0.2)
    page.open(client.base)
    page.sees("#now", "no card")
    hand.picture = photo_of(scans["demo-1"])
    page.sees("#now .name", "Amber Fox")
    page.sees("#now", "Demo Days · 1 demo-1")
    page.sees("#events", "Amber Fox, Demo Days · 1")
    assert page.run("[...document.querySelectorAll('#events .what')].map((what) => what.title)")[0] == "demo-1"
    page.until("document.querySelector('#now figure img').naturalWidth > 0")
    assert "Amber Fox" in page.run("document.querySelector('#picture').ariaLabel")
    hand.picture = table
    page.sees("#events", "Amber Fox left")
    page.sees("#now", "no card")


def test_beside_what_another_release_says_stands_its_own_scan(page, serve, hand, scans, photo_of, opened, another):
    """A browser keeps the scan of the release before for a day."""
    hand.picture = photo_of(scans["demo-1"])
    service, client = serve()
    page.open(client.base)
    page.sees("#now .name", "Amber Fox")
    release_id = another()
    service.inbox.put_release(opened())
    page.sees("#now .name", "Amber Fawn")
    assert page.run("document.querySelector('#now figure img').src").endswith(f"/demo-1/picture?{release_id}")


@pytest.mark.usefixtures("telling_printings_apart")
def test_another_printing_is_called_one_and_no_scan_is_shown_for_it(
    page, serve, hand, foreign, table, photo_of, jpeg, tmp_path
):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(photo_of(foreign)))
    _, client = serve(leave=0.2)
    page.open(client.base)
    hand.picture = photo_of(foreign)
    page.sees("#now", "another printing of Amber Fox")
    page.sees("#events", "another printing of Amber Fox, Demo Days · 1")
    hand.picture = table
    page.sees("#events", "another printing of Amber Fox left")
    page.choose("#file", photo)
    page.sees("#photo-answer", "another printing of Amber Fox")
    assert "sure" not in page.run(READ)
    assert page.run("document.querySelectorAll('#now img, #photo-answer img').length") == 0


TOKEN = "a-token-that-nobody-guesses"


@pytest.mark.parametrize("open_already", [False, True])
def test_a_link_with_the_token_signs_in_and_does_not_keep_it_in_the_address(page, serve, open_already):
    _, client = serve(settings=Settings(port=0, token=TOKEN))
    if open_already:
        page.open(client.base)
        page.until("document.querySelector('#sign-in').open")
    page.open(f"{client.base}/#token={TOKEN}")
    page.sees("#now", "no card")
    assert not page.run("document.querySelector('#sign-in').open")
    assert page.run("location.href") == f"{client.base}/"


def test_whoever_has_no_token_is_told_so_and_not_that_nobody_answers(page, serve):
    _, client = serve(settings=Settings(port=0, token=TOKEN))
    page.open(client.base)
    page.sees("#notice", "the recogniser asks for its token")
    page.open(f"{client.base}/#token={TOKEN}")
    page.sees("#now", "no card")
    page.until("document.querySelector('#notice').textContent === ''")


def test_where_no_token_is_asked_for_a_link_with_one_asks_for_none(page, serve):
    _, client = serve()
    page.open(f"{client.base}/#token={TOKEN}")
    page.sees("#now", "no card")
    page.until("!location.hash")
    assert page.run("fetch('healthz').then(() => document.querySelector('#sign-in').open)") is False


def test_several_cards_have_each_their_own_scan_beside_them(page, serve, hand, scans, table):
    hand.picture = two_on(table, scans)
    _, client = serve()
    page.open(client.base, 390)
    page.until("document.querySelectorAll('#now .found').length === 2")
    page.sees("#now", "confirmed")
    page.until("[...document.querySelectorAll('#now .found')].every((each) => each.querySelector('img'))")
    assert page.run(
        "[...document.querySelectorAll('#now .found')].every((each) =>"
        " each.querySelector('img').alt === `Scan of ${each.querySelector('.name').textContent}`)"
    )


def test_a_lost_camera_is_said_and_nothing_seems_seen(page, serve, hand, scans, photo_of):
    hand.picture = photo_of(scans["demo-1"])
    _, client = serve()
    page.open(client.base)
    page.sees("#now", "Amber Fox")
    hand.lost = True
    page.sees("#notice", "Camera lost")
    page.sees("#now", "camera lost")
    assert page.run("document.querySelector('#view').className") == "stale"
    hand.lost = False
    page.sees("#now", "Amber Fox")


def test_a_photo_names_its_cards_from_the_left_to_the_right(page, serve, scans, table, jpeg, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(two_on(table, scans)))
    _, client = serve()
    page.open(client.base)
    page.choose("#file", photo)
    page.until(f"{READ}.includes('confirmed')")
    names = page.run("[...document.querySelectorAll('#photo-answer .name')].map((each) => each.textContent)")
    assert names == [client.get(f"/api/v1/cards/{card}").json()["name"] for card in ("demo-3", "demo-2")]
    assert page.run("document.querySelector('#photo-answer canvas').width") == 640
    page.until(f"/read in [0-9.]+ m?s/.test({READ})")


def test_corners_are_drawn_on_a_picture_that_lies_as_the_one_that_was_read(page, serve, scans, photo_of, tmp_path):
    """Chromium turns a JPEG as its EXIF says, and no WebP."""
    photo, turned = tmp_path / "photo.webp", Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.fromarray(photo_of(scans["demo-1"])).save(photo, quality=90, exif=turned)
    _, client = serve()
    page.open(client.base)
    page.run("""(() => { const fetched = window.fetch; window.fetch = async (...asked) => {
        const answer = await fetched(...asked);
        if (asked[0].endsWith("recognize")) window.read = await answer.clone().json();
        return answer;
    }; })()""")
    page.choose("#file", photo)
    page.sees("#photo-answer", "Amber Fox")
    shown = page.run("(({ width, height }) => [width, height])(document.querySelector('#photo-answer canvas'))")
    assert shown == page.run("[read.width, read.height]")


def test_of_photos_that_are_dropped_together_the_page_says_that_it_read_the_first_alone(
    page, serve, scans, photo_of, table, jpeg
):
    _, client = serve()
    page.open(client.base)
    photos = [base64.b64encode(jpeg(picture)).decode() for picture in (photo_of(scans["demo-1"]), table)]
    page.run(f"""(() => {{
        const dropped = new DataTransfer();
        for (const photo of {json.dumps(photos)})
            dropped.items.add(new File([Uint8Array.from(atob(photo), (each) => each.charCodeAt(0))], "photo.jpg"));
        document.dispatchEvent(new DragEvent("drop", {{dataTransfer: dropped}}));
    }})()""")
    page.sees("#photo-answer", "Amber Fox")
    page.sees("#photo-answer", "The first of 2 photos.")


def test_of_a_photo_that_was_answered_no_pixels_are_held(page, serve, scans, photo_of, jpeg, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(photo_of(scans["demo-1"])))
    _, client = serve()
    page.open(client.base)
    page.run("""(() => {
        window.pictures = [];
        const made = window.createImageBitmap;
        window.createImageBitmap = async (given) => {
            const picture = await made(given);
            if (given instanceof File) pictures.push(picture);
            return picture;
        };
    })()""")
    page.choose("#file", photo)
    page.sees("#photo-answer", "Amber Fox")
    page.until("pictures.length === 1 && pictures[0].width === 0")


def test_what_is_no_photo_or_too_large_is_refused_in_a_sentence(page, serve, tmp_path):
    _, client = serve()
    page.open(client.base)
    for size, said in ((1000, "no picture"), ((16 << 20) + 1, "more than 16 MiB")):
        file = tmp_path / f"{size}.jpg"
        file.write_bytes(np.random.default_rng(0).bytes(size))
        page.choose("#file", file)
        page.sees("#photo-answer .wrong", said)
    page.choose("#file", tmp_path)
    page.sees("#photo-answer .wrong", "Is it a folder")


def test_on_the_day_after_events_have_their_day_beside_them(page, serve, hand, scans, photo_of):
    _, client = serve()
    page.open(client.base)
    hand.picture = photo_of(scans["demo-1"])
    page.sees("#events", "Amber Fox")
    told = "document.querySelector('#events time').textContent"
    before = page.run(told)
    page.run("""(() => {
        const Today = Date;
        Date = class extends Today {
            constructor(...given) { super(...(given.length ? given : [Today.now() + 86400000])); }
        };
    })()""")
    page.until(f"{told}.endsWith({before!r}) && {told} !== {before!r}")


def test_events_find_their_place_when_what_is_new_comes_before_what_was_missed(page, serve):
    _, client = serve()
    page.open(client.base)
    event = {"at": "2025-01-02T03:04:05Z", "status": "unknown", "event": "appeared", "cards": []}
    missed = json.dumps([{**event, "number": number, "id": f"run-{number}"} for number in (1, 2, 3, 4)])
    shown = page.run(f"""(async () => {{
        const {{ History }} = await import("./page/history.js");
        const missed = {missed};
        const made = (kind) => document.createElement(kind);
        const list = made("ol");
        const history = new History(list, made("p"), made("button"));
        history.add(missed[0]);
        const fetched = window.fetch;
        window.fetch = async (address) => {{
          history.add(missed[3]);
          window.fetch = fetched;
          const after = Number(new URL(address, location).searchParams.get("after"));
          return new Response(JSON.stringify({{ events: missed.slice(after), next: null }}));
        }};
        await history.catchUp();
        return [...list.children].map((each) => each.value);
    }})()""")
    assert shown == [4, 3, 2, 1]


def test_all_that_can_be_used_is_reached_by_the_keyboard_and_seen_to_be(page, serve, hand, scans, photo_of):
    hand.picture = photo_of(scans["demo-1"])
    _, client = serve()
    page.open(client.base)
    page.sees("#events", "Amber Fox")
    reached = []
    for _ in range(5):
        page.press("Tab")
        reached.append(page.run("document.activeElement.id || document.activeElement.textContent"))
        outlined = "getComputedStyle(document.activeElement.id === 'file' ? document.querySelector('.button') :"
        assert page.run(f"{outlined} document.activeElement).outlineStyle") == "solid"
    assert reached == ["Skip to the answer", "file", "CSV", "JSON", "events"]


def test_nothing_is_wider_than_the_window_nor_asked_of_another_host(page, serve, hand, scans, table, jpeg, tmp_path):
    hand.picture = two_on(table, scans)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(hand.picture))
    _, client = serve()
    axe = Path(os.environ["AXE_CORE"]).read_text(encoding="utf-8") if "AXE_CORE" in os.environ else ""
    for width, scheme in SIZES:
        page.open(client.base, width, 844, scheme)
        page.until("document.querySelectorAll('#now .found').length === 2")
        page.choose("#file", photo)
        page.until(f"{READ}.includes('confirmed')")
        assert page.run("document.documentElement.scrollWidth <= innerWidth"), (width, scheme)
        asked = page.run("performance.getEntriesByType('resource').map((each) => new URL(each.name).origin)")
        assert set(asked) == {client.base}
        if axe:
            page.run(f"{axe};0")
            found = page.run("axe.run().then((found) => found.violations.map((each) => `${each.impact} ${each.help}`))")
            assert found == [], (width, scheme)
    if not axe:
        pytest.skip("AXE_CORE names no axe.min.js (npm install axe-core): faults of accessibility were not looked for")
