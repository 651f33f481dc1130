# Runs jobs, and serves as the image of Dask workers:
#
#   docker build -t gcbatch:1 .
#   docker run --rm gcbatch:1 run configs/quickstart.yaml

FROM python:3.13-slim AS build
COPY pyproject.toml README.md LICENSE constraints.txt /src/
COPY gcbatch /src/gcbatch
COPY exporters /src/exporters
RUN python -m venv /opt/gcbatch
RUN /opt/gcbatch/bin/pip install --no-cache-dir -c /src/constraints.txt "/src[dask,objects]"

FROM python:3.13-slim
COPY --from=build /opt/gcbatch /opt/gcbatch
ENV PATH=/opt/gcbatch/bin:$PATH
RUN useradd --uid 10001 --home-dir /srv/reports --create-home gcbatch
WORKDIR /srv/reports
COPY configs /srv/reports/configs
USER 10001
ENTRYPOINT ["gcbatch"]
