"""Settings: one YAML profile, one section a step, each observed as an asset: a changed value is a changed input.

Run configuration is no part of Dagster's staleness; a section's digest is. ``PCR_PROFILE`` names a profile that this
package ships (``embedded``, ``production``) or a YAML file of your own; ``extends`` names another one to start from.
"""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from pcr_assets import digests

PROFILES = ("embedded", "production")


class SettingsError(Exception):
    """A profile can't be used; the message names the file and the cure."""


class Settings:
    """The sections of one profile."""

    def __init__(self, sections: dict[str, dict[str, Any]], source: str):
        self._sections = sections
        self.source = source

    def section(self, name: str) -> dict[str, Any]:
        """One section as plain JSON values. Raises :class:`SettingsError` when the profile lacks it."""
        try:
            return dict(self._sections[name])
        except KeyError as error:
            raise SettingsError(
                f"{self.source} has no section '{name}': add it, or start from `extends: embedded`"
            ) from error

    def digest(self, name: str) -> str:
        """The digest of one section: the data version of its config asset."""
        return digests.of_json(self.section(name))


def load(profile: str) -> Settings:
    """Read a profile by name or path, with what it extends below it. Raises :class:`SettingsError`."""
    return Settings(_merged(profile), profile)


def _merged(profile: str) -> dict[str, dict[str, Any]]:
    own = _read(profile)
    base = own.pop("extends", None)
    if base is None:
        return own
    if base.endswith((".yaml", ".yml")):
        base = str(Path(profile).parent / base)
    return _overlaid(_merged(base), own)


def _read(profile: str) -> dict[str, Any]:
    if profile in PROFILES:
        text = resources.files("pcr_assets").joinpath("profiles", f"{profile}.yaml").read_text()
    else:
        try:
            text = Path(profile).read_text()
        except OSError as error:
            raise SettingsError(f"no profile '{profile}': name one of {', '.join(PROFILES)} or a YAML file") from error
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{profile} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{profile} holds no sections: it must be a mapping of section names to settings")
    return found


def _overlaid(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
