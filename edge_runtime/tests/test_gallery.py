import os
import signal
import threading

import numpy as np
import pytest
from usearch.index import Index

from edge_runtime.gallery import Card, Gallery, GalleryError, read_catalogue
from edge_runtime.search.coarse import DIRECTIONS, LISTED, Coarse, _directions

HEADER = "key,card_id,view,name,set,number,art_group\n"


def unit(*values):
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def gallery(tmp_path):
    """Builds a gallery from rows (card_id, view, vector) in the order given."""

    def build(*rows, catalogue=None, metric="cos"):
        index = Index(ndim=len(rows[0][2]), metric=metric, dtype="f16")
        for key, (_, _, vector) in enumerate(rows, 1):
            index.add(key, vector)
        index.save(str(tmp_path / "index.usearch"))
        lines = [
            f"{key},{card},{view},Name of {card},demo,{key},{card}\n" for key, (card, view, _) in enumerate(rows, 1)
        ]
        (tmp_path / "catalogue.csv").write_text(catalogue if catalogue is not None else HEADER + "".join(lines))
        return Gallery.open(tmp_path / "index.usearch", tmp_path / "catalogue.csv")

    return build


@pytest.mark.parametrize("listed", [False, True])
def test_ctrl_c_during_a_search_is_no_failure_of_the_search(listed):
    vectors = np.random.default_rng(0).normal(size=(1000, 256)).astype(np.float32)
    index = Index(ndim=256, metric="cos", dtype="f16")
    index.add(np.arange(1000), vectors)
    cards = {key: Card(str(key), "", "", "", "") for key in range(1000)}
    gallery = Gallery(index, cards, Coarse(index) if listed else None)
    interrupted = threading.Event()

    def interrupt():
        """Until it is heard: what Python raises while an object is finalised is lost, and the test waited for ever."""
        while not interrupted.wait(0.5):
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        while True:
            gallery.search(vectors)
    interrupted.set()


def test_a_set_is_called_by_its_name_and_where_the_catalogue_has_none_by_its_id(gallery, tmp_path):
    (fox,) = gallery(("demo-1", 0, unit(1, 0))).cards.values()
    assert (fox.set_name, fox.as_json()["set"], fox.as_json()["set_name"]) == ("", "demo", "demo")
    rows = "1,demo-1,0,Fox,demo,1,demo-1,Demo Days\n2,echo-1,0,Fox,echo,1,echo-1,\n"
    (tmp_path / "named.csv").write_text(HEADER.replace("\n", ",set_name\n") + rows)
    found = [card.as_json() for card in read_catalogue(tmp_path / "named.csv").values()]
    assert [(card["set"], card["set_name"]) for card in found] == [("demo", "Demo Days"), ("echo", "echo")]


def test_cards_come_nearest_first_with_their_cosine(gallery):
    found = gallery(("fox", 0, unit(1, 0)), ("newt", 0, unit(0, 1))).search(unit(3, 4)[None])
    assert [match.card.card_id for match in found[0]] == ["newt", "fox"]
    assert [match.similarity for match in found[0]] == pytest.approx([0.8, 0.6], abs=1e-3)
    assert found[0][0].card.name == "Name of newt"


def test_a_card_with_several_scans_counts_once_with_its_nearest(gallery):
    rows = [("fox", view, unit(1, view / 10)) for view in range(4)] + [("newt", 0, unit(0, 1))]
    (found,) = gallery(*rows).search(unit(1, 0)[None])
    assert [match.card.card_id for match in found] == ["fox", "newt"]
    assert found[0].similarity == pytest.approx(1, abs=1e-3)


def test_a_single_card_makes_a_gallery(gallery):
    found = gallery(("fox", 0, unit(1, 0))).search(np.stack([unit(1, 0), unit(0, 1)]))
    assert [[match.card.card_id for match in row] for row in found] == [["fox"], ["fox"]]


def test_exact_twins_come_in_the_order_of_their_keys(gallery):
    (found,) = gallery(("twin-b", 0, unit(1, 1)), ("twin-a", 0, unit(1, 1))).search(unit(1, 1)[None])
    assert [match.card.card_id for match in found] == ["twin-b", "twin-a"]


def test_of_many_scans_a_short_list_gives_the_answers_of_all(gallery, monkeypatch):
    """Scans as embeddings lie: along few directions, each with a little of its own; some are twins."""
    rng = np.random.default_rng(0)
    scans = rng.normal(size=(600, 24)) @ rng.normal(size=(24, 128)) + 0.3 * rng.normal(size=(600, 128))
    scans[1::20] = scans[::20]
    rows = [(f"card-{number}", 0, unit(*scan)) for number, scan in enumerate(scans)]
    queries = np.stack([unit(*query) for query in scans[::7] + 0.8 * rng.normal(size=(86, 128))])
    every = gallery(*rows).search(queries)
    monkeypatch.setattr("edge_runtime.gallery.WHOLE_UP_TO", 500)
    monkeypatch.setattr("edge_runtime.search.coarse.DIRECTIONS", 32)
    listed = gallery(*rows)
    for query, one, other in zip(queries, every, listed.search(queries), strict=True):
        assert (
            LISTED <= len(listed._coarse.short_list(query, 20)) <= LISTED + 2
        )  # a twin as near as the last one comes too
        assert [match.card for match in one] == [match.card for match in other]
        assert [match.similarity for match in one] == pytest.approx([match.similarity for match in other], abs=1e-3)


def test_a_gallery_that_rested_answers_as_before(gallery):
    opened = gallery(("fox", 0, unit(1, 0)), ("newt", 0, unit(0, 1)))
    before = opened.search(unit(3, 4)[None])
    opened.rest()
    assert opened.search(unit(3, 4)[None]) == before


def test_a_short_list_does_not_depend_on_the_order_in_which_scans_were_added():
    rng = np.random.default_rng(0)
    scans, keys = rng.normal(size=(500, 32)).astype(np.float32), rng.permutation(500).astype(np.uint64)
    lists = []
    for order in (np.arange(500), rng.permutation(500)):
        index = Index(ndim=32, metric="cos", dtype="f16")
        index.add(keys[order], scans[order])
        lists.append(Coarse(index).short_list(scans[3], 5).tolist())
    assert sorted(lists[0]) == sorted(lists[1]) and keys[3] in lists[0]


def test_a_short_list_for_more_than_half_of_all_scans_holds_all_of_them():
    index = Index(ndim=16, metric="cos", dtype="f16")
    index.add(np.arange(500), np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32))
    assert sorted(Coarse(index).short_list(np.eye(16, dtype=np.float32)[0], 300)) == list(range(500))


def test_directions_tell_scans_apart_nearly_as_all_principal_axes_do():
    rng = np.random.default_rng(0)
    some = (rng.normal(size=(1024, 300)) * 0.99 ** np.arange(300)).astype(np.float32)
    found, best = _directions(some), np.linalg.eigh(some.T @ some)[1][:, -DIRECTIONS:]
    assert found.T @ found == pytest.approx(np.eye(DIRECTIONS), abs=1e-5)
    assert np.linalg.norm(some @ found) ** 2 > 0.998 * np.linalg.norm(some @ best) ** 2


def test_a_graph_that_leads_to_fewer_scans_than_are_wanted_names_no_other(monkeypatch):
    """uSearch then fills what it gives for several queries up with a key of 0 and a distance that is no number."""
    monkeypatch.setattr("edge_runtime.gallery.EXACT_UP_TO", 100)
    index = Index(ndim=8, metric="cos", dtype="f16", connectivity=4, expansion_add=8)
    index.add(np.arange(1, 1001), np.tile(unit(*range(8)), (1000, 1)))  # all alike: most are out of reach of each other
    gallery = Gallery(index, {key: Card(str(key), "", "", "", "") for key in range(1, 1001)})
    found = gallery.search(np.stack([unit(*range(8))] * 3), 250)
    assert all(0 < len(matches) < 250 for matches in found)
    assert all(match.similarity > 0.99 for matches in found for match in matches)


def test_a_large_gallery_is_searched_through_its_graph_and_finds_the_same(gallery, monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(300, 32)).astype(np.float32)
    rows = [(f"card-{number}", 0, unit(*vector)) for number, vector in enumerate(vectors)]
    queries = np.stack([unit(*vector) for vector in vectors + np.float32(0.3)])
    every = gallery(*rows).search(queries, 1)
    monkeypatch.setattr("edge_runtime.gallery.EXACT_UP_TO", 100)
    through_graph = gallery(*rows).search(queries, 1)
    assert np.mean([one == other for one, other in zip(every, through_graph, strict=True)]) > 0.99


def test_no_more_cards_come_than_were_asked_for(gallery):
    rows = [(f"card-{number}", 0, unit(1, number)) for number in range(9)]
    assert len(gallery(*rows).search(unit(1, 0)[None], count=3)[0]) == 3


def test_a_card_has_one_name_whichever_of_its_scans_is_the_nearest(gallery):
    rows = "1,fox,0,Fox's Den,demo,1,fox\n2,fox,1,Fox_s Den,demo,1,fox\n"
    opened = gallery(("fox", 0, unit(1, 0)), ("fox", 1, unit(0, 1)), catalogue=HEADER + rows)
    found = [opened.search(vector[None])[0][0].card.name for vector in (unit(1, 0), unit(0, 1))]
    assert found == ["Fox's Den"] * 2
    assert opened.cards["fox"].name == "Fox's Den"


def test_an_index_of_another_size_than_its_catalogue_is_refused(gallery):
    with pytest.raises(GalleryError, match="the index holds 2 scans, the catalogue 1"):
        gallery(("fox", 0, unit(1, 0)), ("newt", 0, unit(0, 1)), catalogue=HEADER + "1,fox,0,Fox,demo,1,fox\n")


def test_an_index_with_other_keys_than_its_catalogue_is_refused(gallery):
    with pytest.raises(GalleryError, match="other scans than the catalogue"):
        gallery(("fox", 0, unit(1, 0)), catalogue=HEADER + "77,fox,0,Fox,demo,1,fox\n")


def test_an_index_of_another_metric_is_refused(gallery):
    with pytest.raises(GalleryError, match="cosine"):
        gallery(("fox", 0, unit(1, 0)), metric="l2sq")


@pytest.mark.parametrize("catalogue", ["card_id\nfox\n", HEADER + "one,fox,0,Fox,demo,1,fox\n", "\0"])
def test_a_catalogue_of_another_kind_is_refused(gallery, catalogue):
    with pytest.raises(GalleryError, match="catalogue"):
        gallery(("fox", 0, unit(1, 0)), catalogue=catalogue)


@pytest.mark.parametrize("content", [b"", b"not an index", b"usearch" + bytes(100)])
def test_a_file_that_is_no_index_is_refused(tmp_path, content):
    (tmp_path / "index.usearch").write_bytes(content)
    (tmp_path / "catalogue.csv").write_text(HEADER)
    with pytest.raises(GalleryError, match=r"index\.usearch is no index"):
        Gallery.open(tmp_path / "index.usearch", tmp_path / "catalogue.csv")
