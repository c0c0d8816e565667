"""``make ingest``, from both catalogues into a raw folder."""

import pytest

from pcr_assets.cards.catalogue import find_catalogue
from pcr_assets.cards.listing import list_scans
from pcr_assets.command_options import MISUSED
from pcr_assets.resources.store import FolderStore


def test_a_set_lands_in_the_raw_folder_as_the_pipeline_reads_it(raw, published):
    published.put("base1", "Alakazam", "Blastoise")
    assert raw.ingest("base1") == 0
    assert raw.files == ["base1-1_Alakazam.png", "base1-2_Blastoise.png"]
    assert "1 set, 2 cards: 2 fetched" in raw.out
    store = FolderStore(str(raw.folder))
    listing = list_scans(store.list(), find_catalogue(store, None))
    assert [(scan.card_id, scan.set_id, scan.name, scan.fault) for scan in listing.scans["base1"]] == [
        ("base1-1", "base1", "Alakazam", ""),
        ("base1-2", "base1", "Blastoise", ""),
    ]


def test_what_is_published_is_what_was_served(raw, published):
    published.put("base1", "Alakazam")
    raw.ingest()
    served = published.answer(published.path_of("base1-1"))[2]
    assert (raw.folder / "base1-1_Alakazam.png").read_bytes() == served


def test_the_catalogue_tells_all_of_a_scan(raw, published):
    published.put("sv03.5", "Pikachu", serie="sv", first=25, digits=3)
    raw.ingest("sv3pt5")
    assert raw.rows == [
        {
            "path": "sv3pt5-25_Pikachu.png",
            "game": "Pokemon TCG",
            "set": "sv3pt5",
            "number": "25",
            "card_id": "sv3pt5-25",
            "name": "Pikachu",
            "lang": "en",
            "source": f"{published.root}/assets/en/sv/sv03.5/025/high.png",
            "set_name": "Sv03.5",
        }
    ]


@pytest.mark.parametrize("asked", ["sv3pt5", "sv03.5", "SV03.5"])
def test_a_set_may_be_called_as_here_or_as_in_the_catalogue(raw, published, asked):
    published.put("sv03.5", "Bulbasaur", digits=3)
    published.put("sv03", "Oddish", digits=3)
    assert raw.ingest(asked) == 0
    assert raw.files == ["sv3pt5-1_Bulbasaur.png"]


def test_sets_of_the_pocket_game_are_cards_of_that_game(raw, published):
    published.put("A1", "Bulbasaur", serie="tcgp", digits=3)
    published.put("P-A", "Potion", serie="tcgp", digits=3)
    assert raw.ingest("A1", "P-A") == 0
    assert raw.files == ["A1-1_Bulbasaur.png", "PROMO-A-1_Potion.png"]
    assert {row["game"] for row in raw.rows} == {"Pokemon TCG Pocket"}


def test_no_set_means_all_of_them(raw, published):
    published.put("base1", "Alakazam")
    published.put("base2", "Clefable")
    assert raw.ingest() == 0
    assert raw.files == ["base1-1_Alakazam.png", "base2-1_Clefable.png"]


def test_a_card_without_a_picture_is_named_and_no_failure(raw, published):
    published.put("base1", "Alakazam", "Blastoise")
    published.without_picture = {"base1-2"}
    assert raw.ingest() == 0
    assert raw.files == ["base1-1_Alakazam.png"]
    assert "1 have no picture" in raw.out
    assert "without a picture: base1-2 Blastoise" in raw.out


def test_the_pokemon_tcg_data_is_read_from_its_published_files(raw, published):
    published.put_data("base1", "Base", {"base1-1": "Alakazam", "base1-2": "Blastoise"})
    published.put_data("cel25c", "Celebrations: Classic Collection", {"cel25c-15_A1": "Venusaur", "cel25c-4_A": "X"})
    published.without_picture = {"base1-2"}
    published.put_data("base2", "Jungle", {"base2-1": "Clefable"})
    assert raw.ingest("base1", "cel25c", source="pokemontcg") == 0
    assert {row["set"]: row["set_name"] for row in raw.rows} == {
        "base1": "Base",
        "cel25c": "Celebrations: Classic Collection",
    }
    assert raw.files == [
        "base1-1_Alakazam.png",
        "base1-2_Blastoise.png",
        "cel25c-15_A1_Venusaur.png",
        "cel25c-4_A_X.png",
    ]
    assert [row["number"] for row in raw.rows] == ["1", "2", "4_A", "15_A1"]
    assert all(path.endswith("_hires.png") for path in published.pictures_asked_for())


def test_a_card_of_one_catalogue_is_that_of_the_other(raw, published):
    published.put("sv03.5", "Bulbasaur", digits=3)
    published.put_data("sv3pt5", "151", {"sv3pt5-1": "Bulbasaur", "sv3pt5-2": "Ivysaur"})
    raw.ingest()
    assert raw.ingest(source="pokemontcg") == 0
    assert raw.files == ["sv3pt5-1_Bulbasaur.png", "sv3pt5-2_Ivysaur.png"]
    assert "1 fetched" in raw.out
    assert "1 were there" in raw.out


def test_another_language_has_a_folder_of_its_own_and_the_same_card_ids(raw, published):
    published.put("base1", "Pikachu", first=58)
    raw.ingest()
    assert raw.ingest("--lang", "fr") == 0
    assert raw.files == ["base1-58_Pikachu.png", "fr/base1-58_Pikachu.png"]
    assert [(row["card_id"], row["lang"]) for row in raw.rows] == [("base1-58", "en"), ("base1-58", "fr")]


def test_pictures_may_come_from_a_mirror(raw, published):
    published.put("base1", "Alakazam")
    home, published.root = published.root, "https://assets.catalogue.invalid"
    assert raw.ingest("--images", home) == 0
    assert raw.files == ["base1-1_Alakazam.png"]
    assert raw.rows[0]["source"].startswith(home)


def test_the_password_of_a_mirror_comes_from_netrc_and_is_told_nowhere(raw, published, monkeypatch, tmp_path):
    published.put("base1", "Alakazam")
    with_password = published.root.replace("://", "://me:hunter2@")
    for option in ("--images", "--api"):
        with pytest.raises(SystemExit) as refused:
            raw.ingest(option, with_password)
        assert refused.value.code == MISUSED
        said = raw._capsys.readouterr().err
        assert f"argument {option}: cards.csv would hold the password of this address: let ~/.netrc give it" in said
        assert "hunter2" not in said
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert raw.ingest("--images", published.root) == 0
    assert published.passwords == {"Basic bWU6aHVudGVyMg=="}
    assert "hunter2" not in (raw.folder / "cards.csv").read_text() + raw.out + raw.err


def test_a_dry_run_tells_and_fetches_nothing(raw, published, sample_pictures):
    published.put("base1", "Alakazam", "Blastoise", "Chansey")
    published.without_picture = {"base1-3"}
    assert raw.ingest("--dry-run") == 0
    sizes = [len(published.answer(published.path_of(card))[2]) for card in ("base1-1", "base1-2")]
    assert (
        f"2 to fetch in as many requests (about {sum(sizes) / 1e6:.1f} MB, by 2 of them; 0.0 minutes or more)"
        in raw.out
    )
    assert "1 have no picture" in raw.out
    assert not raw.folder.exists()
    assert not published.pictures_asked_for()


def test_the_server_is_told_who_asks(raw, published):
    published.put("base1", "Alakazam")
    raw.ingest()
    (agent,) = published.agents
    assert agent.startswith("pcr-assets/")


def test_a_bucket_takes_scans_as_a_folder_does(published, capsys):
    import boto3
    from moto import mock_aws

    from pcr_assets.ingest.__main__ import main
    from pcr_assets.resources.store import open_store

    published.put("base1", "Alakazam", "Nidoran♀")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="cards")
        call = ["--cards", "s3://cards/raw", "--api", published.api, "--rate", "1000"]
        assert main(call) == 0
        store = open_store("s3://cards/raw")
        assert [entry.key for entry in store.list()] == ["base1-1_Alakazam.png", "base1-2_Nidoran♀.png", "cards.csv"]
        assert set(find_catalogue(store, None)) == {"base1-1_Alakazam.png", "base1-2_Nidoran♀.png"}
        published.requests.clear()
        assert main(call) == 0
    assert not published.pictures_asked_for()
    capsys.readouterr()
