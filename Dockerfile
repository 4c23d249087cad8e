# syntax=docker/dockerfile:1
# One image for each program, from one recipe: AGENT names the package, and the program of the same name.

FROM rust:1.95-bookworm AS build
ARG AGENT
# The compiler of this image, and no other: rust-toolchain.toml would fetch its components.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_TERM_COLOR=never
WORKDIR /source
COPY . .
# The caches outlive a build, so that a change of ours does not compile everybody else's crates again.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --package "$AGENT" --bin "$AGENT" \
    && install -D "target/release/$AGENT" /out/daemon

# For the health check: an image without a shell has nothing that could ask for a page.
FROM busybox:1.37-musl AS probe

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/daemon /daemon
COPY --from=probe /bin/busybox /wget
# `nonroot`, by number, so that whoever runs it can check it.
USER 65532:65532
ENV MURMUR_HTTP=0.0.0.0:9464
EXPOSE 9464
# Named `wget`, busybox is only that.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
    CMD ["/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9464/readyz"]
ENTRYPOINT ["/daemon"]
