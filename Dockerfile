# Both images can be pinned by digest:
#   docker build --build-arg NODE_BUILD=docker.io/library/node@sha256:… --build-arg NODE_RUNTIME=gcr.io/distroless/nodejs24-debian12@sha256:… .
ARG NODE_BUILD=docker.io/library/node:24-bookworm-slim
ARG NODE_RUNTIME=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${NODE_BUILD} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# no package needs its install script: bcrypt and esbuild carry their binaries
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json LICENSE ./
COPY schemas schemas
COPY src src
COPY plugins plugins
COPY scripts/bundle.mjs scripts/bundle.mjs
RUN npm run build
COPY scripts/image.mjs scripts/image.mjs
RUN node scripts/image.mjs /image/app

FROM ${NODE_RUNTIME}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="authn-webhook" \
      org.opencontainers.image.description="Webhook token authentication for Kubernetes: one service between the API server and your identity providers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="gcr.io/distroless/nodejs24-debian12:nonroot"
# distroless keeps node out of the PATH, other images don't
ENV PATH=/nodejs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV NODE_ENV=production
# glibc keeps memory per thread: each of the four that hash passwords would hold on to 16 MiB
ENV MALLOC_ARENA_MAX=1
# one layer, made of files whose times are all zero
COPY --from=build /image/ /
# configs are looked for here too; nothing is ever written
WORKDIR /etc/authn-webhook
USER 65532:65532
EXPOSE 8443 8444 9443
# half of the container's memory for the heap, which is collected before it is
# full: password hashes lie outside of it. SIGUSR1 would open a debugger on loopback
ENTRYPOINT ["node", "--disable-sigusr1", "--max-old-space-size-percentage=50", "--min-semi-space-size=8", "--max-semi-space-size=8", "--heap-growing-percent=70", "--no-maglev", "/app/dist/src/cli/main.js"]
CMD ["serve"]
