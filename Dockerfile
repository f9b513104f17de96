# Both images can be pinned by digest:
#   docker build --build-arg NODE_BUILD=docker.io/library/node@sha256:… --build-arg NODE_RUNTIME=gcr.io/distroless/nodejs24-debian12@sha256:… .
ARG NODE_BUILD=docker.io/library/node:24-bookworm-slim
ARG NODE_RUNTIME=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${NODE_BUILD} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY schemas schemas
COPY src src
COPY plugins plugins
COPY test/conformance.ts test/conformance.ts
COPY test/conformance test/conformance
RUN npm run build

FROM ${NODE_BUILD} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# bcrypt carries its binaries; no package needs its install script
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_RUNTIME}
# distroless keeps node out of the PATH, other images don't
ENV PATH=/nodejs/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV NODE_ENV=production
# glibc keeps memory per thread: each of the four that hash passwords would hold on to 16 MiB
ENV MALLOC_ARENA_MAX=1
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY package.json LICENSE /app/
# configs are looked for here too; nothing is ever written
WORKDIR /etc/authn-webhook
USER 65532:65532
EXPOSE 8443 9443
# half of the container's memory for the heap, which is collected before it is
# full: password hashes lie outside of it
ENTRYPOINT ["node", "--max-old-space-size-percentage=50", "--max-semi-space-size=4", "--heap-growing-percent=50", "--no-maglev", "/app/dist/src/cli.js"]
CMD ["serve"]
