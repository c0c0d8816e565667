# edge_runtime alone: no torch, no Dagster. Build for the Pi with `docker buildx build --platform linux/arm64`.
FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 edge
COPY edge_runtime /opt/edge_runtime
RUN pip install --no-cache-dir /opt/edge_runtime
USER 1000
ENTRYPOINT ["edge-runtime"]
CMD ["--help"]
