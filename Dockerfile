# The image of callmon: docs/operators/container.md says how to run it.
# Build with `make image`.

FROM docker.io/library/python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /opt/callmon \
    && /opt/callmon/bin/pip install --quiet --require-hashes --requirement requirements.txt
COPY callmon callmon
# The sources are put where the environment finds them, which needs no build tool.
RUN cp -r callmon "$(/opt/callmon/bin/python -c 'import site; print(site.getsitepackages()[0])')" \
    && /opt/callmon/bin/python -m compileall -q /opt/callmon/lib

FROM docker.io/library/python:3.13-slim-trixie
# hadolint ignore=DL3008
RUN if ! command -v tini; then \
        apt-get update -qq \
        && apt-get install -qq -y --no-install-recommends tini \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin callmon \
    && install --directory --owner callmon --group callmon --mode 0750 /var/lib/callmon
COPY --from=build /opt/callmon /opt/callmon
COPY config /etc/callmon
ENV PATH=/opt/callmon/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ARG REVISION=unknown
ENV CALLMON_REVISION=$REVISION
LABEL org.opencontainers.image.title="callmon" \
    org.opencontainers.image.description="Queue monitor for call centres" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision=$REVISION
USER 10001:10001
VOLUME ["/var/lib/callmon"]
EXPOSE 9877
# It asks where the configuration says that callmon listens, with TLS or without.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "callmon", "healthcheck", "--config", "/etc/callmon/callmon.yml"]
ENTRYPOINT ["tini", "--", "python", "-m", "callmon"]
CMD ["run", "--config", "/etc/callmon/callmon.yml"]
