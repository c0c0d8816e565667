"""What `make demo` does before and after the refresh; the refresh has its own tests."""

from pcr_assets import demo
from pcr_assets.resources.project import Project


def test_a_demo_after_an_intake_draws_no_cards_among_those_that_were_fetched(tmp_path, capsys):
    project = Project(store=str(tmp_path))
    fetched = (
        tmp_path / "project" / "pokemon-card-recognition" / "data" / "raw" / "card_images" / "base1-4_Charizard.png"
    )
    fetched.parent.mkdir(parents=True)
    fetched.touch()
    demo._render_sample(project)
    assert "holds your own" in capsys.readouterr().out
    assert [path.name for path in fetched.parents[1].rglob("*") if path.is_file()] == [fetched.name]


def test_photos_are_shown_wherever_they_lie_in_their_folder_and_as_whatever_a_phone_saved_them(tmp_path):
    for name in ("IMG_1.HEIC", "at home/Glurak für Jörg.JPG", "scan.tif", "IMG_1.CR2", "notes.txt", ".trash/IMG_2.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()
    shown = demo._photos(tmp_path / "photos")
    assert [str(path.relative_to(tmp_path / "photos")) for path in shown] == [
        "IMG_1.HEIC",  # it is read by nobody here, and told how to become a JPEG
        "at home/Glurak für Jörg.JPG",
        "scan.tif",
    ]
    (tmp_path / "photos.csv").write_text("photo,card_id\nat home/Glurak für Jörg.JPG,base1-4\n", encoding="utf-8")
    assert [path.name for path in demo._photos(tmp_path / "photos")] == ["Glurak für Jörg.JPG"]
