# edge_runtime alone, for amd64 and arm64: no torch, no Dagster, no shell needed at run time. Build from the repository root:
#   docker buildx build --platform linux/amd64,linux/arm64 -f docker/edge.Dockerfile -t pcr-edge:0.1.0 .
# Run it with nothing writable but the home:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp -v edge:/var/lib/edge-runtime \
#     --device /dev/video0 --group-add video -p 127.0.0.1:8080:8080 pcr-edge:0.1.0 \
#     serve … --bind 0.0.0.0 --token-file FILE
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/edge-runtime/venv
WORKDIR /src
COPY constraints.txt ./
COPY edge_runtime/pyproject.toml edge_runtime/
COPY edge_runtime/edge_runtime edge_runtime/edge_runtime
RUN /opt/edge-runtime/venv/bin/pip install -c constraints.txt './edge_runtime[serve,s3,mqtt]' \
    && /opt/edge-runtime/venv/bin/pip uninstall -y pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 1000 --user-group --home-dir /var/lib/edge-runtime --create-home edge
COPY --from=build /opt/edge-runtime/venv /opt/edge-runtime/venv
ENV PATH=/opt/edge-runtime/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/var/lib/edge-runtime/cache \
    EDGE_RUNTIME_TRUSTED_ROOTS=/var/lib/edge-runtime/trusted_roots
USER 1000:1000
WORKDIR /var/lib/edge-runtime
VOLUME /var/lib/edge-runtime
# Is the process that was started alive and moving? `serve` says so on its port, here 8080: -p makes another of it. `watch` has none:
# run that with --no-healthcheck. Other commands end by themselves.
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-m", "edge_runtime.server.healthy"]
ENTRYPOINT ["edge-runtime"]
CMD ["--help"]
