#!/bin/sh
# Installs the recogniser as a service on Debian 12 or 13, or Raspberry Pi OS: a user, an environment of its own, units.
# Run it again to upgrade, with another wheel, or to mend; settings, keys and releases stay.
set -eu
umask 022 # sudo keeps a narrower one, and the service is a user of its own, who reads program and roots

usage() {
    cat <<'END'
install.sh WHEEL [--sha256 DIGEST] [--trust FILE] [--dry-run]   install or upgrade
install.sh uninstall [--purge] [--dry-run]                      remove; --purge takes settings, keys and releases too

WHEEL    edge_runtime-….whl; its SHA-256 is compared with --sha256, or with the SHA256SUMS beside it
--trust  the publisher's root.json, as `edge-runtime trust` takes it
DESTDIR  in the environment: install below this folder, without users and services
END
}

NAME=edge-runtime
KEPT=2 # environments: the one that runs, and the one before
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${DESTDIR:-}
opt=$root/opt/$NAME
etc=$root/etc/$NAME
units=$root/etc/systemd/system
link=$root/usr/local/bin/$NAME
python=${PYTHON:-python3}
dry=
wheel=
digest=
trust=
purge=
action=install

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}
# What changes something goes through here, so that --dry-run can show it instead.
do_it() {
    if [ -n "$dry" ]; then say "would: $*"; else "$@"; fi
}
# What changes the running system, and not files, has no place below a DESTDIR.
on_system() { [ -n "$root" ] || do_it "$@"; }

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage && exit 0 ;;
            --dry-run) dry=yes ;;
            --purge) purge=yes ;;
            --sha256 | --trust)
                [ $# -gt 1 ] || fail "$1 needs a value: see install.sh --help"
                if [ "$1" = --sha256 ]; then digest=$2; else trust=$2; fi
                shift
                ;;
            uninstall) action=uninstall ;;
            -*) fail "there is no option $1: see install.sh --help" ;;
            *)
                [ -z "$wheel" ] || fail "one wheel at a time, not $wheel and $1"
                wheel=$1
                ;;
        esac
        shift
    done
}

require_system() {
    [ -n "$root" ] || [ -n "$dry" ] || [ "$(id -u)" = 0 ] || fail "this changes the system: run it with sudo"
    [ -n "$root" ] && return 0
    # shellcheck disable=SC1091 # the system's own file
    known=$(. /etc/os-release && printf '%s %s %s' "${ID:-}" "${ID_LIKE:-}" "${VERSION_ID:-}")
    case $known in
        *debian*12 | *raspbian*12 | *debian*13 | *raspbian*13) ;;
        *) fail "this system is '$known': Debian 12 or 13, or Raspberry Pi OS of these, is needed" ;;
    esac
}

require_python() {
    # Here and below -I: this runs as root, and Python would else import what lies in the folder that somebody stands in.
    "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "$python is not Python 3.11 or later: sudo apt install python3"
    "$python" -I -c 'import ensurepip, venv' 2>/dev/null || on_system apt-get install -y --no-install-recommends python3-venv
}

require_wheel() {
    [ -n "$wheel" ] || { usage >&2 && exit 1; }
    [ -f "$wheel" ] || fail "$wheel is not there: build it with pip wheel --no-deps -w dist ./edge_runtime"
    name=$(basename -- "$wheel")
    case $name in edge_runtime-*.whl) ;; *) fail "$name is no wheel of edge_runtime" ;; esac
    sums=$(dirname -- "$wheel")/SHA256SUMS
    if [ -z "$digest" ] && [ -f "$sums" ]; then
        digest=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$sums")
    fi
    [ -n "$digest" ] || fail "nothing says what $name must be: give --sha256, or put its SHA256SUMS beside it"
    is=$(sha256sum -- "$wheel" | cut -d' ' -f1)
    [ "$is" = "$digest" ] || fail "$name has SHA-256 $is, not $digest: fetch it again, and don't install this one"
}

make_user() {
    if [ -n "$root" ] || getent passwd "$NAME" >/dev/null; then return 0; fi
    do_it useradd --system --user-group --home-dir "/var/lib/$NAME" --no-create-home --shell /usr/sbin/nologin "$NAME"
}

# Built in full beside the one that runs, which is then replaced by moving one link.
make_environment() {
    fresh=$opt/venv-$(printf '%.16s' "$digest")
    if ! works "$fresh"; then
        do_it rm -rf "$fresh"
        do_it mkdir -p "$opt"
        # The system's packages are seen: picamera2 and hailo_platform come from apt only.
        do_it "$python" -I -m venv --system-site-packages "$fresh"
        do_it "$fresh/bin/pip" install --quiet --disable-pip-version-check \
            --constraint "$here/service/constraints.txt" "$(wheel_with_extras)"
        do_it "$fresh/bin/$NAME" --version
        do_it touch "$fresh/.ready"
    fi
    do_it touch "$fresh" # by when they last became the one that runs, the oldest are forgotten
    do_it ln -sfn "$(basename -- "$fresh")" "$opt/venv.aside"
    do_it mv -T "$opt/venv.aside" "$opt/venv"
    do_it mkdir -p "$(dirname -- "$link")"
    do_it ln -sfn "/opt/$NAME/venv/bin/$NAME" "$link"
    forget_old_environments
}

# Whether an environment is whole, and still runs: one is made for a Python, and a new Debian brings another.
works() {
    [ -e "$1/.ready" ] && "$1/bin/$NAME" --version >/dev/null 2>&1
}

wheel_with_extras() {
    path=$(CDPATH='' cd -- "$(dirname -- "$wheel")" && pwd)/$(basename -- "$wheel")
    extras=$(extras_of "$path")
    printf '%s%s' "$path" "${extras:+[$extras]}"
}

# The extras that a service needs, of those that this wheel has.
extras_of() {
    "$python" -I - "$1" <<'END'
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
(path,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
lines = wheel.read(path).decode().splitlines()
had = {line.partition(": ")[2] for line in lines if line.startswith("Provides-Extra: ")}
print(",".join(name for name in ("serve", "s3", "mqtt") if name in had))
END
}

forget_old_environments() {
    # shellcheck disable=SC2012 # names are ours, without spaces; by time is what is wanted
    ls -dt "$opt"/venv-* 2>/dev/null | tail -n "+$((KEPT + 1))" | while IFS= read -r old; do
        [ "$(basename -- "$old")" = "$(readlink "$opt/venv" || true)" ] || do_it rm -rf "$old"
    done
}

put_files() {
    do_it mkdir -p "$etc/trusted_roots" "$units"
    [ -e "$etc/edge.env" ] || do_it install -m 0600 "$here/service/edge.env" "$etc/edge.env"
    for unit in "$here"/service/*.service "$here"/service/*.timer; do
        do_it install -m 0644 "$unit" "$units/$(basename -- "$unit")"
    done
    [ -z "$trust" ] || do_it "$opt/venv/bin/$NAME" trust --folder "$etc/trusted_roots" "$trust"
}

start() {
    on_system systemctl daemon-reload
    on_system systemctl enable --now "$NAME-pull.timer"
    on_system systemctl enable "$NAME.service"
    # Not waited for: before the first pull there is no release, so the start fails, and this script would end here.
    on_system systemctl restart --no-block "$NAME.service"
    [ -z "$dry" ] || return 0
    say "installed. Next: name the publisher and the camera in /etc/$NAME/edge.env, then"
    say "  sudo systemctl restart $NAME && sudo systemctl start $NAME-pull && sudo -u $NAME $NAME doctor"
}

uninstall() {
    if [ -z "$root" ] && [ -e "$units/$NAME.service" ]; then
        do_it systemctl disable --now "$NAME-pull.timer" "$NAME.service"
    fi
    do_it rm -f "$units/$NAME.service" "$units/$NAME-pull.service" "$units/$NAME-pull.timer" "$link"
    do_it rm -rf "$opt"
    on_system systemctl daemon-reload
    if [ -n "$purge" ]; then
        do_it rm -rf "$etc" "$root/var/lib/$NAME" "$root/var/cache/$NAME"
        if [ -z "$root" ] && getent passwd "$NAME" >/dev/null; then do_it userdel "$NAME"; fi
    else
        say "kept: /etc/$NAME and /var/lib/$NAME (--purge removes them too)"
    fi
}

read_arguments "$@"
require_system
if [ "$action" = uninstall ]; then
    uninstall
else
    require_python
    require_wheel
    make_user
    make_environment
    put_files
    start
fi
