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
