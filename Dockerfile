# A static image with nothing in it but the program and the certificates of public authorities: no shell, no libraries, no
# package manager. Charts, git and registries need the certificates; an API server's own comes with the pod.
#
#   docker build -t registry.example.com/config-weaver:0.1.0 .
#
# The C library is musl: with glibc a static program still loads modules of the machine to look up names.
FROM rust:1.89-alpine AS build
RUN apk add --no-cache musl-dev gcc make cmake perl ca-certificates
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src ./src
COPY crates ./crates
# Benchmarks are named in Cargo.toml, and are not built.
COPY benches ./benches
COPY tests ./tests
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN cargo build --locked --release --bin weft \
 && ! (ldd target/release/weft 2>&1 | grep -q "=>")

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/weft /weft
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# Nobody, by number: there is no list of users.
USER 65532:65532
ENTRYPOINT ["/weft"]
CMD ["operator"]
