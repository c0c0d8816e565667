"""``cards.csv``: what others wrote into it stays."""

import pytest

from pcr_assets.cards.catalogue import CatalogueError, find_catalogue
from pcr_assets.ingest.catalogue_file import CatalogueFile
from pcr_assets.ingest.plan import Scan
from pcr_assets.ingest.sources import Card
from pcr_assets.resources.store import FolderStore, Moved


def scan(card_id, name="Alakazam", set_name="", lang="en"):
    set_id, _, number = card_id.rpartition("-")
    image = f"https://images.example/{card_id}.png"
    return Scan(Card(card_id, set_id, number, name, lang, "Pokemon TCG", image, set_name), f"{card_id}_{name}.png")


@pytest.fixture
def store(tmp_path):
    return FolderStore(str(tmp_path / "cards"))


def opened(store, above=None, keys=()):
    return CatalogueFile(store, above, keys)


def lines(store):
    return store.read("cards.csv").decode().splitlines()


def test_rows_lie_in_the_order_of_their_numbers_however_they_came(store, tmp_path):
    other = FolderStore(str(tmp_path / "other"))
    for target, order in ((store, ("base1-10", "base1-9", "A1-2")), (other, ("A1-2", "base1-10", "base1-9"))):
        catalogue = opened(target)
        for card_id in order:
            catalogue.add(scan(card_id))
        catalogue.save()
    assert store.read("cards.csv") == other.read("cards.csv")
    assert [line.partition("_")[0] for line in lines(store)[1:]] == ["A1-2", "base1-9", "base1-10"]


def test_rows_and_columns_of_others_stay(store):
    store.write("cards.csv", "\ufeffpath,card_id,note\r\nmine.png,base1-4,von Oma\r\n".encode())
    catalogue = opened(store)
    catalogue.add(scan("base1-1"))
    catalogue.save()
    assert lines(store)[0] == "path,card_id,note,game,set,number,name,lang,source,set_name"
    assert "mine.png,base1-4,von Oma,,,,,,," in lines(store)
    assert set(find_catalogue(store, None)) == {"mine.png", "base1-1_Alakazam.png"}


def test_a_row_that_somebody_mended_stays(store):
    store.write("cards.csv", b"path,card_id,name\nbase1-1_Alakazam.png,base1-1,Simsala\n")
    catalogue = opened(store)
    catalogue.add(scan("base1-1"))
    catalogue.save()
    assert lines(store) == ["path,card_id,name", "base1-1_Alakazam.png,base1-1,Simsala"]


def test_rows_of_before_sets_had_names_get_them_and_a_set_keeps_the_name_that_it_has(store):
    old = "path,set,card_id,name\nbase1-1_Alakazam.png,base1,base1-1,Simsala\nbase2-1_Alakazam.png,mine,base2-1,Abra\n"
    store.write("cards.csv", old.encode())
    for catalogue, called in ((opened(store), "Base"), (opened(store), "Grundset")):
        for card_id in ("base1-1", "base2-1"):
            catalogue.add(scan(card_id, set_name=called))
        catalogue.save()
    french = opened(store)
    french.add(scan("base1-2", set_name="Set de Base", lang="fr"))
    french.save()
    rows = [(row.set_id, row.name, row.set_name) for row in find_catalogue(store, None).values()]
    assert rows == [("base1", "Simsala", "Base"), ("base1", "Alakazam", "Base"), ("mine", "Abra", "")]


def test_a_card_stays_in_the_set_that_others_put_it_in(store):
    store.write("cards.csv", b"path,card_id,set\nmine.png,base1-1,Base Set\n")
    catalogue = opened(store)
    catalogue.add(scan("base1-1"))
    catalogue.save()
    assert {row.set_id for row in find_catalogue(store, None).values()} == {"Base Set"}


def test_a_file_above_is_taken_over_as_it_no_longer_counts(store, tmp_path):
    above = FolderStore(str(tmp_path))
    above.write("cards.csv", b"path,card_id\ncards/one/mine.png,base1-4\nstrangers/x.png,other-1\n")
    before = dict(find_catalogue(store, above))
    catalogue = opened(store, above, {"one/mine.png"})
    catalogue.add(scan("base1-1"))
    catalogue.save()
    assert catalogue.carried == f"{tmp_path}/cards.csv"
    after = find_catalogue(store, above)
    assert after["one/mine.png"].card_id == before["one/mine.png"].card_id == "base1-4"
    assert set(after) == {"one/mine.png", "base1-1_Alakazam.png"}


def test_a_file_that_cannot_be_read_is_told_before_anything_is_fetched(raw, published):
    published.put("base1", "Alakazam")
    raw.folder.mkdir()
    (raw.folder / "cards.csv").write_bytes(b"path,card_id\n\xff\xfe,base1-1\n")
    assert raw.ingest() == 1
    assert "cards.csv is not UTF-8" in raw.err
    assert not published.requests
    with pytest.raises(CatalogueError):
        opened(FolderStore(str(raw.folder)))


def test_two_intakes_at_once_both_keep_their_rows(store):
    first, second = opened(store), opened(store)
    first.add(scan("base1-1"))
    second.add(scan("base1-2"))
    first.save()
    second.save()
    assert set(find_catalogue(store, None)) == {"base1-1_Alakazam.png", "base1-2_Alakazam.png"}


def test_a_file_that_is_moved_again_and_again_is_told(store):
    class Restless(FolderStore):
        def swap(self, key, data, expected):
            raise Moved(key)

    catalogue = CatalogueFile(Restless(store.root), None, ())
    catalogue.add(scan("base1-1"))
    with pytest.raises(Moved, match="moved by another publisher"):
        catalogue.save()


def test_nothing_new_writes_nothing(store):
    opened(store).save()
    assert not list(store.list())
    catalogue = opened(store)
    catalogue.add(scan("base1-1"))
    catalogue.save()
    entries = list(store.list())
    again = opened(store)
    again.add(scan("base1-1"))
    again.save()
    assert list(store.list()) == entries
