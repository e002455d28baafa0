# A Valkey server with Keyspan's modules loaded.
#
#   docker build -t keyspan .
#
# Both halves can be given instead of made, so that it also builds without a network:
#   MODULES=prebuilt takes the libraries in target/modules (see scripts/build);
#   SERVER=<image> takes an image whose entry is a server, such as one of `scripts/servers image`.
#   DOCKER_BUILDKIT=1 docker build --build-arg MODULES=prebuilt --build-arg SERVER=keyspan-test/valkey-8.1 .
ARG MODULES=compiled
ARG SERVER=packaged

FROM rust:1-trixie AS compiled
RUN apt-get update \
    && apt-get install -y --no-install-recommends libclang-dev python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /keyspan
COPY . .
RUN scripts/build

FROM scratch AS prebuilt
COPY target/modules /keyspan/target/modules

FROM ${MODULES} AS modules

FROM debian:trixie-slim AS packaged
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgcc-s1 valkey-server valkey-tools \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o valkey -g valkey /data
USER valkey
ENTRYPOINT ["valkey-server"]

FROM ${SERVER}
COPY --from=modules --chmod=755 /keyspan/target/modules/ /usr/lib/keyspan/
COPY packaging/keyspan.conf /etc/keyspan/keyspan.conf
WORKDIR /data
VOLUME /data
EXPOSE 6379
CMD ["/etc/keyspan/keyspan.conf", "--bind", "* -::*", "--protected-mode", "no", "--dir", "/data"]
