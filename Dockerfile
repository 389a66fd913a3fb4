# Two stages, so that no compiler and no cache is left in the image that runs.
FROM python:3.11-slim AS build
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY bot bot
COPY cogs cogs
RUN python -m venv /opt/easel \
    && /opt/easel/bin/pip install --no-cache-dir --no-compile -c constraints.txt .

FROM python:3.11-slim
# For the names in charts, in whatever script they are.
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-core fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin easel \
    && install -d -o easel -g easel /data
COPY --from=build /opt/easel /opt/easel
ENV PATH=/opt/easel/bin:$PATH PYTHONUNBUFFERED=1
USER easel
# Relative paths of the settings, data/ and config.toml among them, are below this folder.
WORKDIR /data
VOLUME /data
# easel stops in order on SIGTERM; give it limits.stop_grace_s: docker stop -t 330.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["easel", "health"]
ENTRYPOINT ["easel"]
CMD ["run"]
