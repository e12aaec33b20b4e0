# The runner: chaosmem and exactly what it needs to run, on nothing. No shell, no pip, no Go, no kubectl.
#   docker build -t chaosmem .        (offline, without a registry: python -m tests.image)
# Any glibc image with Python >= 3.11 and its venv module can build it; digests are for who publishes.
ARG PYTHON_IMAGE=docker.io/library/python:3.13.9-slim-trixie

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
# Tools of the build stay in it.
COPY image/tools.txt image/requirements.txt image/
RUN python3 -m venv /opt/tools \
 && /opt/tools/bin/pip install --no-cache-dir --no-compile --require-hashes -r image/tools.txt
RUN python3 -m venv --without-pip /opt/chaosmem \
 && /opt/tools/bin/pip --python /opt/chaosmem/bin/python install --no-cache-dir --no-compile \
      --only-binary :all: --require-hashes -r image/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY chaosmem chaosmem
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/tools/bin/pip --python /opt/chaosmem/bin/python install --no-compile --no-deps --no-index /wheels/*.whl
COPY image/rootfs.py image/sbom.py image/
RUN python3 image/rootfs.py --venv /opt/chaosmem --out /rootfs \
 && /opt/tools/bin/python image/sbom.py --venv /opt/chaosmem --rootfs /rootfs

FROM scratch
COPY --from=build /rootfs /
ENV PATH=/opt/chaosmem/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8 \
    HOME=/tmp \
    CHAOSMEM_RUNS=/runs
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/opt/chaosmem/bin/python", "-m", "chaosmem"]
CMD ["--help"]
LABEL org.opencontainers.image.title="chaosmem" \
      org.opencontainers.image.description="Chaos-engineering memory experiments for Go services" \
      org.opencontainers.image.licenses="Apache-2.0"
