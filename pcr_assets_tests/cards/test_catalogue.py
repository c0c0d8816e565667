"""``cards.csv`` beside or above the scans."""

import pytest

from pcr_assets.cards.catalogue import CatalogueError, find_catalogue, read_catalogue, set_names
from pcr_assets.resources.store import FolderStore

CSV = "path,card_id,name,set,number\n{path},base1-4,Charizard,base1,4\n"


@pytest.fixture
def stores(tmp_path):
    (tmp_path / "scans").mkdir()
    return FolderStore(str(tmp_path / "scans")), FolderStore(str(tmp_path))


def test_no_catalogue_is_fine(stores):
    assert find_catalogue(*stores) == {}


@pytest.mark.parametrize("path", ["scans/one/a.png", "one/a.png", "./scans/one/a.png"])
def test_a_catalogue_above_may_name_paths_from_its_own_folder_or_from_the_scans(stores, path):
    raw, above = stores
    above.write("cards.csv", CSV.format(path=path).encode())
    row = find_catalogue(raw, above)["one/a.png"]
    assert (row.card_id, row.set_id, row.number, row.name) == ("base1-4", "base1", "4", "Charizard")


def test_a_catalogue_among_the_scans_wins_over_one_above(stores):
    raw, above = stores
    raw.write("cards.csv", CSV.format(path="near.png").encode())
    above.write("cards.csv", CSV.format(path="far.png").encode())
    assert list(find_catalogue(raw, above)) == ["near.png"]


def test_set_number_and_name_may_be_left_to_the_card_id():
    row = read_catalogue(b"path,card_id\na.png,PROMO-A-7\n", "cards.csv")["a.png"]
    assert (row.set_id, row.number, row.name) == ("PROMO-A", "7", "PROMO-A-7")


def test_sets_may_have_names_and_of_two_the_first_counts():
    rows = b"path,card_id,set_name\na.png,base1-1,\nb.png,base1-2,Base Set\nc.png,base1-3,Base\nd.png,base2-1, \n"
    assert set_names(read_catalogue(rows, "cards.csv")) == {"base1": "Base Set"}
    assert set_names(read_catalogue(b"path,card_id\na.png,base1-1\n", "cards.csv")) == {}


def test_a_row_without_card_id_says_nothing():
    assert list(read_catalogue(b"path,card_id\na.png,\n,base1-1\nb.png,base1-2\n", "cards.csv")) == ["b.png"]


def test_a_byte_order_mark_is_no_part_of_the_first_heading():
    assert read_catalogue("\ufeffpath,card_id\na.png,base1-1\n".encode(), "cards.csv")


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (b"file,card_id\na.png,base1-1\n", "no column path"),
        (b"path,card_id\n\xff\xfe,base1-1\n", "UTF-8"),
        (b"", "column"),
        (b"path;card_id\na.png;base1-1\n", "nothing but commas between"),
        (b'path,card_id,name\na.png,base1-1,"Abra\nb.png,base1-2,Muk\n', "line 2: unexpected end of data"),
        (b'path,card_id,name\na.png,base1-1,"Abra\nb.png,base1-2,"Muk\n', "line 2: ',' expected after"),
    ],
)
def test_a_catalogue_that_cannot_be_read_is_named_with_the_cure(data, cure):
    with pytest.raises(CatalogueError, match=cure) as error:
        read_catalogue(data, "folder/cards.csv")
    assert "folder/cards.csv" in str(error.value)


def test_a_scan_that_is_called_two_cards_is_refused():
    """The last row counted, and nobody was told."""
    rows = b"path,card_id\na.png,base1-1\na.png,base1-1\na.png,base1-2\n"
    with pytest.raises(CatalogueError, match=r"calls a\.png both base1-1 and base1-2"):
        read_catalogue(rows, "cards.csv")


def test_a_card_in_two_sets_is_refused():
    rows = b"path,card_id,set\na.png,base1-1,base1\nb.png,base1-1,base2\n"
    with pytest.raises(CatalogueError, match="base1-1 into the sets base1 and base2"):
        read_catalogue(rows, "cards.csv")
