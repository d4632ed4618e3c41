# The image of the service: the program, the libraries that it loads, certificates, and nothing
# else. Builds with BuildKit and with the classic builder. docs/deploying.md explains the arguments.
ARG BUILD_IMAGE=rust:1.95-bookworm
# What the files are put on. A hardened base image may take the place of the empty one.
ARG RUNTIME_IMAGE=scratch

# The manifests, with empty sources: what the layer of the dependencies depends on.
FROM ${BUILD_IMAGE} AS manifests
WORKDIR /src
COPY . .
RUN scripts/image/manifests.sh /manifests

FROM ${BUILD_IMAGE} AS build
ARG PROFILE=release
# A program that is built already, as a path in the context: it is laid out in place of a new build.
ARG BINARY=""
WORKDIR /build
COPY --from=manifests /manifests ./
RUN scripts/image/dependencies.sh "$PROFILE" "$BINARY"
COPY . .
RUN scripts/image/program.sh "$PROFILE" "$BINARY"
# Fonts for scripts that the program does not carry, such as fonts-noto-cjk.
ARG FONT_PACKAGES=""
RUN scripts/image/fonts.sh /out ${FONT_PACKAGES}
ARG SOURCE_DATE_EPOCH=0
RUN scripts/layout.sh target/image/lastcall /out

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Lastcall" \
      org.opencontainers.image.description="Durable analyses and reports behind an API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /out/ /
ENV PATH=/usr/local/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
WORKDIR /var/lib/lastcall
VOLUME /var/lib/lastcall
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["lastcall", "--config", "/etc/lastcall/prod.toml", "health"]
ENTRYPOINT ["lastcall", "--config", "/etc/lastcall/prod.toml"]
CMD ["serve"]
