"""The command ``edge-runtime serve``: its options, and what it opens with them."""

import argparse
import contextlib
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.extras import cure
from edge_runtime.server import heap, logs
from edge_runtime.server.access import NotSafe, name_of, read_password, read_secret, require_safe
from edge_runtime.server.settings import Settings
from edge_runtime.watch import amount, quiet_opencv, stoppable

if TYPE_CHECKING:
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import Release
    from edge_runtime.server.metrics import Metrics
    from edge_runtime.server.opening import Opener
    from edge_runtime.server.outbox import Messenger
    from edge_runtime.server.service import Service
    from edge_runtime.server.successor import Successor

log = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command, those that choose a release aside."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="picamera, 0, /dev/video0, rtsp://…, a video, a folder, @FILE that names one",
    )
    parser.add_argument("--repeat", action="store_true", help="begin a video or folder again when it ended")
    parser.add_argument(
        "--watch-releases",
        type=amount,
        default=0.0,
        metavar="S",
        help="look for another release each S seconds, and go over to it (default: 0, never)",
    )
    parser.add_argument(
        "--prove",
        type=amount,
        default=5.0,
        metavar="S",
        help="a release is the last good one once it answered S seconds of frames without a fault (default: 5)",
    )
    parser.add_argument("--leave", type=amount, default=2.0, metavar="S", help="as for watch (default: 2)")
    parser.add_argument("--still", type=amount, default=6.0, metavar="LEVELS", help="as for watch (default: 6)")
    parser.add_argument("--log", choices=("human", "json"), default="human", help="lines for people or for machines")
    reach = parser.add_argument_group("how it is reached")
    reach.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="where it listens (default: 127.0.0.1)")
    reach.add_argument("--port", type=port_number, default=8080, help="(default: 8080; 0 takes a free one)")
    reach.add_argument("--token-file", type=Path, metavar="FILE", help="holds what a client must show")
    reach.add_argument("--host", action="append", default=[], metavar="NAME", help="another name it is reached by")
    reach.add_argument("--tls-cert", type=Path, metavar="PEM", help="serve https:// with this certificate")
    reach.add_argument("--tls-key", type=Path, metavar="PEM", help="and this key")
    tell = parser.add_argument_group("who is told of events")
    tell.add_argument("--webhook", metavar="URL", help="post each event there")
    tell.add_argument("--webhook-secret-file", type=Path, metavar="FILE", help="sign what is posted with this secret")
    tell.add_argument("--mqtt", metavar="HOST[:PORT]", help="publish each event to this broker")
    tell.add_argument("--mqtt-user", default="", metavar="NAME")
    tell.add_argument("--mqtt-password-file", type=Path, metavar="FILE")
    tell.add_argument("--mqtt-tls", action="store_true", help="over TLS, by default at port 8883")
    tell.add_argument(
        "--mqtt-device", default="", metavar="NAME", help="this service's name there (default: the host's name)"
    )


def run(newest: "Callable[[], Release]", load: "Callable[..., Recognizer]", options: argparse.Namespace) -> int:
    """Serve until the process is asked to stop. ``newest`` gives the newest release, ``load`` its recogniser; or they raise.
    ``load`` takes an ``after_each`` as :meth:`Recognizer.open` does.

    The exit code: 0, 1 with one sentence why it can't go on, 2 when no release was opened.
    """
    try:
        from edge_runtime.feedback.corrections import Corrections
        from edge_runtime.server.metrics import Metrics
        from edge_runtime.server.opening import REFUSALS, Opener
        from edge_runtime.server.service import Service
    except ModuleNotFoundError as error:
        return _refuse(f"serving needs more packages, {error.name} is missing: {cure('serve')}")
    from edge_runtime.sources import SourceError, open_source

    heap.share_one()
    logs.set_up(options.log)
    quiet_opencv()
    metrics = Metrics()
    opener = Opener(newest, partial(load, after_each=heap.settle))
    service: Service | None = None
    successor: Successor | None = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        stack.enter_context(stoppable())
        try:
            settings = settings_of(options)
            messengers = messengers_of(options, metrics)
            listening = stack.enter_context(_listening(settings))
            source = open_source(options.source, partial(log.warning, "%s"))
        except (NotSafe, SourceError) as error:
            return _refuse(str(error))
        try:
            served = opener.first()
        except BaseException as error:
            source.close()
            if isinstance(error, REFUSALS):
                return _refuse(str(error), 2)
            raise
        service = Service(
            served,
            source,
            settings,
            metrics=metrics,
            messengers=messengers,
            corrections=Corrections(options.feedback) if options.feedback else None,
            reopen=partial(open_source, options.source, _said_before) if options.repeat else None,
            leave=options.leave,
            still=options.still,
            prove=options.prove,
        )
        del served  # or this frame, which lasts as long as the service, held the first release for ever
        stack.enter_context(service)
        if options.watch_releases:
            successor = _successor(service, opener, options)
            successor.start()
            stack.callback(successor.close)
        with contextlib.suppress(KeyboardInterrupt):
            service.serve(listening)
    if service is None:
        return 0
    if successor is not None and successor.busy:
        opener.leave()
        _leave_at_once("another release was still being made ready", int(service.failed))
    if service.busy:
        _leave_at_once("the last frame was still being read", int(service.failed))
    return int(service.failed)


def _said_before(_: str) -> None:
    """What a video or folder that begins again has to say: its first reading said so. Frames that lack are counted at each."""


def _leave_at_once(what: str, code: int) -> None:
    """End without waiting for what a thread still does: an interpreter that ends under one in C++ is aborted."""
    log.warning("%s: left unfinished", what)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _successor(service: "Service", opener: "Opener", options: argparse.Namespace) -> "Successor":
    """Looks for the release that follows the one that is served. A publisher's news are pulled and tried by looking."""
    from edge_runtime.releases.opening import newest_at
    from edge_runtime.server.successor import Successor

    return Successor(
        service.loop.served.release_id,
        partial(newest_at, options.releases, channel=options.channel),
        opener.next,
        service.inbox.put_release,
        service.renewed,
        options.watch_releases,
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that the options make. Raises :class:`NotSafe`."""
    token = read_secret(options.token_file, "token") if options.token_file else ""
    require_safe(options.bind, token)
    if (options.tls_cert is None) != (options.tls_key is None):
        raise NotSafe("a certificate and its key belong together: name both --tls-cert and --tls-key")
    if options.tls_cert is not None:
        _require_certificate(options.tls_cert, options.tls_key)
    return Settings(
        bind=options.bind,
        port=options.port,
        token=token,
        hosts=tuple(map(name_of, options.host)),
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
    )


def _require_certificate(cert: Path, key: Path) -> None:
    """Raises :class:`NotSafe` for files that no server can use; one who is started by a supervisor can't be asked a password."""
    try:
        for path in (cert, key):
            if not path.is_file():
                raise NotSafe(f"{path} is not there: name a PEM file")
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password="")
    except PermissionError as error:
        raise NotSafe(
            f"{cert} and {key} may not be read by this user: put copies where it may, readable for its group alone"
        ) from error
    except OSError as error:
        raise NotSafe(
            f"{cert} and {key} are no certificate with its key ({error.strerror or error}): name PEM files, the key without a "
            "password"
        ) from error


def messengers_of(options: argparse.Namespace, metrics: "Metrics") -> "list[Messenger]":
    """Where events are told. Raises :class:`NotSafe`."""
    from edge_runtime.server.mqtt import Mqtt
    from edge_runtime.server.outbox import Outbox
    from edge_runtime.server.webhook import Webhook

    found: list[Messenger] = []
    if options.webhook_secret_file and not options.webhook:
        raise NotSafe("--webhook-secret-file signs what --webhook posts, and nothing is posted: add --webhook URL")
    about_broker = options.mqtt_user, options.mqtt_password_file, options.mqtt_tls, options.mqtt_device
    if any(about_broker) and not options.mqtt:
        raise NotSafe("the --mqtt-… options say how a broker is told, and none is: add --mqtt HOST")
    if options.webhook:
        file = options.webhook_secret_file
        hook = Webhook(options.webhook, read_secret(file, "secret") if file else "")
        found.append(Outbox("webhook", hook.deliver, metrics.told))
    if options.mqtt:
        file = options.mqtt_password_file
        password = read_password(file) if file else ""
        found.append(
            Mqtt(
                options.mqtt,
                options.mqtt_user,
                password,
                options.mqtt_device,
                tls=options.mqtt_tls,
                told=metrics.told,
            )
        )
    return found


def _listening(settings: Settings) -> socket.socket:
    """A socket that listens. Raises :class:`NotSafe`."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    everywhere = settings.bind == "::" and socket.has_dualstack_ipv6()  # as other servers mean it: by IPv4 as well
    try:
        return socket.create_server(
            (settings.bind, settings.port), family=family, backlog=64, dualstack_ipv6=everywhere
        )
    except OSError as error:
        why = str(error.strerror or error).partition(" (while ")[0]  # Python repeats the address
        raise NotSafe(
            f"{settings.bind}:{settings.port} can't be listened on ({why}): name another with --port or --bind"
        ) from error


def _refuse(sentence: str, code: int = 1) -> int:
    print(f"edge-runtime: {sentence}", file=sys.stderr, flush=True)
    return code


def port_number(text: str) -> int:
    """An option's port; 0 takes a free one."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be 0 to 65535, is {text}")
    return int(text)
