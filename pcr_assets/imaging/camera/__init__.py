"""What a Pi camera does to a card: seeded pictures to train on, to test with, and to show.

`rectified` gives a card as the edge sees it after finding and straightening it; `scene` gives whole frames with the
corners of their cards. Every effect has an amount from 0 (nothing) to 1 (the worst drawn here) and can be switched on
alone with `only`. docs/simulator.md says what was measured and why this is drawn with OpenCV.
"""

from pcr_assets.imaging.camera.scenes import scene
from pcr_assets.imaging.camera.strength import EFFECTS, STRENGTHS, Dose, Strength, only
from pcr_assets.imaging.camera.view import rectified

__all__ = ["EFFECTS", "STRENGTHS", "Dose", "Strength", "only", "rectified", "scene"]
