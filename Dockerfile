# Builds FlexiLib, tests it, and makes a small image that serves /etc/flexilib/flexilib.yaml as a plain user:
#
#   docker build -t flexilib .
#   docker run -p 8069:8069 -v "$PWD/flexilib.yaml:/etc/flexilib/flexilib.yaml" flexilib

FROM debian:bookworm-slim AS build
COPY deps /flexilib/deps
RUN /flexilib/deps/install build test
COPY . /flexilib
WORKDIR /flexilib
RUN ./dev test
RUN DESTDIR=/image cmake --install build --prefix /usr --strip

FROM debian:bookworm-slim
COPY deps /tmp/deps
RUN /tmp/deps/install run && rm -rf /tmp/deps /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin flexilib
COPY --from=build /image/ /
COPY conf/one-function.yaml /etc/flexilib/flexilib.yaml
USER flexilib
EXPOSE 8069
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["flexilib", "healthcheck"]
CMD ["flexilib", "-c", "/etc/flexilib/flexilib.yaml"]
