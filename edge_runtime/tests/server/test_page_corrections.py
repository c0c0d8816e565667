"""Saying on the page which card it was that the history names otherwise, in a real browser."""

import json

import pytest

from edge_runtime.feedback.box import kept
from edge_runtime.feedback.corrections import Corrections

OFFERED = "[...document.querySelectorAll('#correct-cards input')].map((choice) => choice.value)"
KEEP = "document.querySelector('#correction [type=submit]').click()"


@pytest.fixture
def correcting(page, serve, hand, scans, photo_of, tmp_path):
    """Opens the page and says that a card was named wrong; gives the service, which keeps corrections in ``box``, and a client."""

    def ask(**window):
        service, client = serve(corrections=Corrections(tmp_path / "box"))
        page.open(client.base, **window)
        hand.picture = photo_of(scans["demo-1"])
        page.sees("#events", "Wrong?")
        page.run("document.querySelector('.correct').click()")
        return service, client

    return ask


def typed(page, text):
    page.run(f"document.querySelector('#correct-search').value = {text!r}")
    page.run("document.querySelector('#correct-search').dispatchEvent(new Event('input'))")


def is_kept_as(page, box, card_id):
    page.sees("#events", f"kept as {card_id}")
    (said,) = kept(box)
    assert said["corrected"] == card_id


def test_a_wrong_name_is_corrected_where_that_is_kept(page, correcting, tmp_path):
    _, client = correcting(width=390)
    page.sees("#correction", "It was told as: Amber Fox, Demo Days · 1")
    assert page.run(OFFERED) == ["demo-1"]
    page.run(KEEP)
    page.sees("#correction-wrong", "Choose a card first.")
    typed(page, "heron")
    page.until(f"{OFFERED}.join() === 'demo-2'")
    page.sees("#correct-cards", "Demo Days · 2 · demo-2")
    page.until("document.querySelector('#correct-cards img').naturalWidth > 0")
    page.run("document.querySelector('#correct-cards label').click()")
    page.run(KEEP)
    page.sees("#events", "kept as demo-2")
    page.open(client.base, width=390)
    page.sees("#events", "kept as demo-2")
    (said,) = kept(tmp_path / "box")
    assert (said["card_id"], said["corrected"]) == ("demo-1", "demo-2")


def test_whoever_chose_the_wrong_card_chooses_again(page, correcting, tmp_path):
    _, client = correcting()
    for chosen in ("demo-2", "demo-3"):
        typed(page, chosen)
        page.until(f"{OFFERED}.join() === '{chosen}'")
        page.run("document.querySelector('#correct-cards label').click()")
        page.run(KEEP)
        page.sees("#events", f"kept as {chosen}")
        page.open(client.base)
        page.sees("#events", f"kept as {chosen}")
        page.run("document.querySelector('.correct').click()")
    page.sees("#correction", "It was told as: Amber Fox, Demo Days · 1")
    (said,) = kept(tmp_path / "box")
    assert said["corrected"] == "demo-3"


def test_a_card_that_the_release_lacks_is_kept_under_the_id_that_was_typed(page, correcting, tmp_path):
    correcting()
    typed(page, "no such card")
    page.sees("#correction-found", "No card of this release is called so.")
    typed(page, "next1-7")
    page.sees("#correct-cards", "no card of this release: kept under this id")
    page.run("document.querySelector('#correct-cards input').click()")
    page.run(KEEP)
    is_kept_as(page, tmp_path / "box", "next1-7")


def test_by_the_keyboard_one_goes_on_where_the_wrong_name_was(page, correcting):
    correcting()
    page.run("document.querySelector('#correction-cancel').click()")
    page.run("document.querySelector('.correct').focus()")
    page.run("document.activeElement.click()")
    page.run("document.querySelector('#correct-cards label').click()")
    page.run(KEEP)
    page.sees("#events", "kept as demo-1")
    page.until("document.activeElement.textContent === 'kept as demo-1'")


CHOSEN = "document.querySelector('#correct-cards input:checked')?.value"


def test_by_the_keyboard_a_card_is_found_taken_and_kept(page, correcting, tmp_path):
    """Enter kept what was marked with the mouse, or said that a card must be chosen first."""
    correcting()
    page.press("Enter")
    page.sees("#correction-wrong", "Choose a card first.")
    page.type("demo")
    page.press("Enter")  # before anybody has looked for it
    page.until(f"{CHOSEN} === 'demo-1'")
    assert page.run("document.activeElement.value") == "demo-1", "a reader of the screen says which card it is"
    page.press("ArrowDown")
    page.until(f"{CHOSEN} === 'demo-2'")
    page.press("Enter")
    is_kept_as(page, tmp_path / "box", "demo-2")


def test_arrows_lead_from_the_search_to_the_cards(page, correcting):
    correcting()
    page.type("demo")
    page.press("ArrowDown")
    page.until(f"{CHOSEN} === 'demo-1'")
    page.run("document.querySelector('#correct-search').focus()")
    page.press("ArrowDown")
    page.until(f"{CHOSEN} === 'demo-2'")
    page.run("document.querySelector('#correct-search').focus()")
    page.press("ArrowUp")
    page.until(f"{CHOSEN} === 'demo-1'")
    page.run("document.querySelector('#correct-search').focus()")
    page.press("ArrowUp")
    page.until(f"{CHOSEN} === {OFFERED}.at(-1)")


def test_cards_that_could_not_be_looked_for_are_looked_for_again(page, correcting):
    """The text was the same, so nobody asked a second time, and an id that the release has was offered as one that it lacks."""
    correcting()
    page.offline(True)
    page.type("demo-2")
    page.press("Enter")
    page.sees("#correction-wrong", "The recogniser can't be reached.")
    assert page.run(OFFERED) == []
    page.offline(False)
    page.press("Enter")
    page.until(f"{CHOSEN} === 'demo-2'")
    assert "can't be reached" not in page.text("#correction-wrong")


def test_of_more_cards_than_are_shown_it_is_said_that_there_are_more(page, correcting):
    """Whose card was not among the first twenty of a name took it for one that the release lacks."""
    correcting()
    page.run("""(() => { const fetched = window.fetch; window.fetch = async (address, ...more) => {
        const asked = new URL(address, location);
        if (asked.pathname !== "/api/v1/cards") return fetched(address, ...more);
        const cards = Array.from({ length: Math.min(window.lie, asked.searchParams.get("limit")) }, (_, at) =>
            ({ card_id: `demo-${at}`, name: "Amber Fox", set: "demo", set_name: "Demo Days", number: `${at}` }));
        return new Response(JSON.stringify({ release_id: "", cards }));
    }; })()""")
    for there, asked, said in (
        (20, "amber", "20 cards"),
        (40, "fox", "There are more: say its set or number as well."),
    ):
        page.run(f"window.lie = {there}")
        typed(page, asked)
        page.until(f"{OFFERED}.length === 20 && document.querySelector('#correct-search').value === '{asked}'")
        page.sees("#correction-found", said)


def test_a_card_that_is_chosen_while_the_service_starts_anew_is_not_kept_for_another_event(page, correcting, tmp_path):
    service, _ = correcting()
    page.run("document.querySelector('#correct-cards label').click()")
    number = page.run("document.querySelector('li:has(.correct)').value")
    service.board.history.entry(number).value["id"] = f"another start-{number}"
    page.run(KEEP)
    page.sees("#correction-wrong", "there is no such event any more")
    assert not list(kept(tmp_path / "box"))


def test_a_card_that_left_without_a_name_is_given_one(page, serve, hand, scans, stranger, table, photo_of, tmp_path):
    _, client = serve(corrections=Corrections(tmp_path / "box"), leave=0.2)
    page.open(client.base, width=390)
    hand.picture = photo_of(stranger)
    page.sees("#events", "a card appeared")
    assert "Which?" not in page.text("#events"), "it may be named yet"
    hand.picture = table
    page.sees("#events", "an unknown card left")
    page.sees("#events", "Which?")
    called = page.run("document.querySelector('.correct').getAttribute('aria-label')")
    when = page.run("new Date(document.querySelector('#events time').dateTime).toLocaleString()")
    assert called == f"Which? {when}: It was told as no card of this release.", "of many such buttons one can be told"
    page.run("document.querySelector('.correct').click()")
    page.sees("#correction", "It was told as no card of this release.")
    assert page.run(OFFERED) == []
    typed(page, "heron")
    page.until(f"{OFFERED}.join() === 'demo-2'")
    page.run("document.querySelector('#correct-cards label').click()")
    page.run(KEEP)
    page.sees("#events", "kept as demo-2")
    (said,) = kept(tmp_path / "box")
    assert (said["card_id"], said["corrected"]) == ("", "demo-2")


@pytest.mark.parametrize(("width", "letters"), [(390, 1), (844, 1), (1100, 1), (390, 2)])
def test_where_the_list_is_narrow_a_name_has_the_row_to_itself_though_it_can_be_corrected(
    page, serve, hand, scans, photo_of, tmp_path, width, letters
):
    """On a phone that lay on its side two letters of it stood in a line, and with large letters the button lay on the time."""
    _, client = serve(corrections=Corrections(tmp_path / "box"))
    page.open(client.base, width)
    page.run(f"document.documentElement.style.fontSize = '{letters}00%'")
    hand.picture = photo_of(scans["demo-1"])
    page.sees("#events", "Wrong?")
    of_row, of_name, of_button = (
        page.run(f"document.querySelector('#events li:has(.correct){part}').getBoundingClientRect().toJSON()")
        for part in ("", " .what", " .correct")
    )
    assert of_name["width"] > (0.75 if letters == 1 else 0.55) * of_row["width"]
    assert of_button["top"] >= of_name["bottom"]
    assert page.run(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('#events time'))"
    )


def test_where_nothing_is_kept_nobody_is_asked_for_corrections(page, serve, hand, scans, photo_of):
    _, client = serve()
    page.open(client.base)
    hand.picture = photo_of(scans["demo-1"])
    page.sees("#events", "Amber Fox, Demo Days · 1")
    assert "Wrong?" not in page.text("#events")


def test_a_card_that_may_be_one_alone_is_no_choice_of_several(page, serve):
    """The history said 'one of' it, where the card in view was called 'perhaps this one'."""
    _, client = serve()
    page.open(client.base)
    card = {"card_id": "demo-1", "name": "Amber Fox", "set": "demo", "set_name": "Demo Days", "number": "1"}
    twin = {**card, "card_id": "demo-2"}
    for cards, said in (
        ([card], "perhaps Amber Fox (demo-1)"),
        ([card, twin], "one of Amber Fox (demo-1), Amber Fox (demo-2)"),
    ):
        event = json.dumps({"event": "changed", "status": "uncertain", "cards": cards})
        assert page.run(f"import('./page/words.js').then(({{ eventLine }}) => eventLine({event}))") == said


def test_a_correction_that_was_made_at_another_page_is_shown_without_a_reload(page, correcting):
    """It stood there only once the page was loaded anew: two people corrected the same card, and the last one counted."""
    _, client = correcting()
    page.run("document.querySelector('#correction-cancel').click()")
    (event,) = [each for each in client.get("/api/v1/events").json()["events"] if each["event"] == "confirmed"]
    correction = f"/api/v1/events/{event['number']}/correction"
    assert client.post(correction, b'{"card_id": "demo-2"}').status_code == 201
    page.sees("#events", "kept as demo-2")


def test_a_correction_that_was_made_while_the_page_was_away_is_shown_when_it_is_back(page, correcting):
    _, client = correcting()
    page.run("document.querySelector('#correction-cancel').click()")
    (event,) = [each for each in client.get("/api/v1/events").json()["events"] if each["event"] == "confirmed"]
    page.offline(True)
    page.sees("#notice", "can't be reached")
    assert client.post(f"/api/v1/events/{event['number']}/correction", b'{"card_id": "demo-2"}').status_code == 201
    page.offline(False)
    page.sees("#events", "kept as demo-2")
