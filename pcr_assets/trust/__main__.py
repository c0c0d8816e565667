"""``python -m pcr_assets.trust``: make keys, show who signs what, promote a release, renew what expires, replace a key."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.terminal import add_command
from pcr_assets import layout
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError
from pcr_assets.settings import SettingsError
from pcr_assets.trust.keys import Keys, TrustError, key_folder, make_keys
from pcr_assets.trust.lost import why_unsigned
from pcr_assets.trust.settings import CHANNELS, ROLES, ROOT, STABLE, TARGETS, TrustSettings, trust_settings

if TYPE_CHECKING:
    from pcr_assets.trust.metadata import Repository

OFFLINE = (ROOT, TARGETS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code: 0, 1 when something can't be signed, 3 when a key is needed soon that isn't here."""
    options = _parser().parse_args(argv)
    try:
        project = Project()
        settings = trust_settings(project.settings)
        return int(options.run(options, project, settings))
    except (TrustError, StoreError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pcr_assets.trust", description="Keys and signed metadata of releases: docs/releases.md."
    )
    parser.add_argument(
        "--keys",
        action="append",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="look for keys there too, say on a stick (default: PCR_KEYS, else keys in DAGSTER_HOME)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = add_command(commands, "init", "make all keys and the first metadata")
    init.add_argument("--root-keys", type=int, default=1, metavar="N", help="root keys to make (default: 1)")
    init.add_argument("--root-threshold", type=int, default=1, metavar="M", help="of them must sign (default: 1)")
    init.set_defaults(run=_init)
    show = add_command(commands, "show", "tell who signs what, until when, and what the channels offer")
    show.set_defaults(run=_show)
    promote = add_command(commands, "promote", "offer a release in a channel, say one that canaries have tried")
    promote.add_argument("release", metavar="RELEASE")
    promote.add_argument("--channel", choices=CHANNELS, default=STABLE, help=f"where (default: {STABLE})")
    promote.set_defaults(run=_promote)
    renew = add_command(commands, "renew", "sign anew what would expire while nothing is new")
    renew.add_argument("--all", action="store_true", help="all roles whose keys are here, due or not")
    renew.set_defaults(run=_renew)
    rotate = add_command(commands, "rotate", "replace the keys of a role by new ones; devices follow by themselves")
    rotate.add_argument("role", choices=ROLES)
    rotate.add_argument(
        "--into", type=Path, metavar="FOLDER", help="where new keys are made (default: the first folder of keys)"
    )
    rotate.set_defaults(run=_rotate)
    return parser


def _folders(options: argparse.Namespace) -> list[Path]:
    return [key_folder(), *options.keys]


def _opened(options: argparse.Namespace, project: Project) -> "tuple[Repository, Keys]":
    from pcr_assets.trust.metadata import Repository

    keys = Keys(_folders(options))
    repository = Repository.open(project.root, keys)
    if repository.pointer is None:
        raise TrustError(why_unsigned(project.root))
    return repository, keys


def _init(options: argparse.Namespace, project: Project, settings: TrustSettings) -> int:
    from pcr_assets.trust.channels import begin
    from pcr_assets.trust.metadata import Repository

    folder = _folders(options)[0]
    if not 1 <= options.root_threshold <= options.root_keys:
        raise TrustError(
            f"of {options.root_keys} root keys {options.root_threshold} can't be asked for: make more, or ask for fewer"
        )
    repository = Repository.open(project.root, Keys([folder]))
    held = Keys(_folders(options))
    if repository.pointer is None and not any(held.named(role) for role in ROLES):
        make_keys(folder, {role: options.root_keys if role == ROOT else 1 for role in ROLES})
    keys = Keys(_folders(options))
    begin(repository, keys, settings.days, options.root_threshold)
    repository.publish(keys, settings.days)
    print(f"keys are in {folder}, metadata in {project.root.root}/{layout.METADATA}")
    print(
        f"move {' and '.join(f'{role}*.pem' for role in OFFLINE)} to a place that no network reaches, with a copy at another"
    )
    print(f"pin on each device: edge-runtime trust {project.root.root}/{layout.ROOT_COPY}")
    return 0


def _show(options: argparse.Namespace, project: Project, settings: TrustSettings) -> int:
    from pcr_assets.trust.channels import releases_in

    repository, keys = _opened(options, project)
    print(f"{'role':<10} {'version':>7}  {'expires':<10}  signed by")
    for role in ROLES:
        signed, entitled = repository.roles[role], repository.entitled(role)
        held = [f"{keyid[:8]} ({file.name if (file := keys.file(keyid)) else 'not here'})" for keyid in entitled.keyids]
        print(f"{role:<10} {signed.version:>7}  {signed.expires:%Y-%m-%d}  {entitled.threshold} of {', '.join(held)}")
    for channel in CHANNELS:
        *before, newest = releases_in(repository, channel) or ["nothing"]
        print(f"{channel} offers {newest}" + (f", before that {', '.join(reversed(before))}" if before else ""))
    return 0


def _promote(options: argparse.Namespace, project: Project, settings: TrustSettings) -> int:
    from pcr_assets.trust.channels import promote

    repository, keys = _opened(options, project)
    moved = promote(repository, keys, settings, options.release, options.channel)
    print(f"{options.channel} offers {options.release}" + ("" if moved else " already"))
    return 0


def _renew(options: argparse.Namespace, project: Project, settings: TrustSettings) -> int:
    from pcr_assets.trust.channels import RENEW_AT, renew

    repository, keys = _opened(options, project)
    done = renew(repository, keys, settings.days, 2.0 if options.all else RENEW_AT)
    for role in done.signed:
        print(f"{role} is signed until {repository.roles[role].expires:%Y-%m-%d}")
    for role in done.waiting:
        print(
            f"{role} expires on {repository.roles[role].expires:%Y-%m-%d}, and its keys are not here: renew with --keys FOLDER",
            file=sys.stderr,
        )
    return 3 if done.waiting and not options.all else 0


def _rotate(options: argparse.Namespace, project: Project, settings: TrustSettings) -> int:
    from pcr_assets.trust.channels import replace_key

    repository, keys = _opened(options, project)
    old = replace_key(repository, keys, settings.days, options.role, options.into or _folders(options)[0])
    print(f"{options.role} is signed by new keys; devices follow at their next pull")
    for file in old:
        print(f"delete the old one when you need it no more: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
