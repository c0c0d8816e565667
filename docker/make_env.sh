#!/bin/sh
# Writes docker/.env from docker/.env.example with made-up keys; only you can read it. An existing one is never replaced.
set -eu
umask 077
cd "$(dirname "$0")"
if [ -e .env ]; then
    echo "docker/.env is there already: keep it, the data volumes know its passwords" >&2
    exit 1
fi
while IFS= read -r line; do
    case "$line" in
        PCR_*=) line="$line$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" ;;
    esac
    printf '%s\n' "$line"
done < .env.example > .env.aside
mv .env.aside .env
echo "wrote docker/.env"
