# Both base images are build arguments, so that a mirror or a hardened image can take their place.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY . .
# The same script that the tests run: it lays out what the service needs below /out.
RUN scripts/build.sh release /out

FROM ${RUNTIME_IMAGE}
# Certificates for PostgreSQL and S3 over TLS. Reports in Korean, Japanese and Chinese need
# fonts-noto-cjk as well: --build-arg EXTRA_PACKAGES=fonts-noto-cjk
ARG EXTRA_PACKAGES=""
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates ${EXTRA_PACKAGES} \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/lastcall --create-home lastcall
COPY --from=build /out/ /
USER lastcall
WORKDIR /var/lib/lastcall
VOLUME /var/lib/lastcall
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["lastcall", "--config", "/etc/lastcall/prod.toml", "health"]
ENTRYPOINT ["lastcall", "--config", "/etc/lastcall/prod.toml"]
CMD ["serve"]
