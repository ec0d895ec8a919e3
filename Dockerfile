# The images of `npm run images`, built by a container engine: docker build --build-arg VERSION=v3.1.0 --target mizzend -t mizzen/mizzend:v3.1.0 .
# One stage makes the layers as folders with the very program that `npm run images` uses, and each image copies those that it consists of; so both build the same files.
# Programs say the version that they were built for, so the tag and VERSION are the same.
# Layers that were made outside take the stage's place: npm run images -- --stage dist/stage --arch amd64 --version v3.1.0 && docker build --build-context build=dist/stage --target mizzend .
# Nothing of this image is in ours: it only runs the build. A release names it by digest: --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:..., as docs/architecture/images.md says.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS make
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json LICENSE ./
COPY tools tools
COPY src src
COPY samples samples
COPY templates templates
COPY crds crds
ARG VERSION=v3.1.0
ARG TARGETARCH=amd64
RUN node tools/generate-xds.ts && node tools/images.ts --stage /layers --version ${VERSION} --arch ${TARGETARCH}

FROM scratch AS build
COPY --from=make /layers /

# Libraries, users and folders; no shell and no package manager. User 1337 as in Istio.
FROM scratch AS base
COPY --from=build /base /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /
USER 1337:1337

FROM base AS node
COPY --from=build /node /
ENV NODE_ENV=production

FROM node AS mizzen-operator
COPY --from=build /mizzen-operator /
ENV MIZZEN_TEMPLATES=/app/templates MIZZEN_CRDS=/app/crds
ENTRYPOINT ["node", "/app/operator.js"]

FROM node AS mizzend
COPY --from=build /mizzend /
ENTRYPOINT ["node", "/app/mizzend.js"]

# No source maps here: they would be the largest part of an idle proxy's memory.
FROM node AS mizzen-proxy
COPY --from=build /mizzen-proxy /
ENTRYPOINT ["node", "/app/proxy.js"]

# The init container (istio-init) and the node DaemonSet need the packet filter's tools; nothing else has them.
FROM node AS mizzen-cni
COPY --from=build /packet-filter /
COPY --from=build /mizzen-cni /
ENTRYPOINT ["node", "/app/node-agent.js"]

# The sample applications are not the mesh's own user: what that one sends is not captured.
FROM node AS httpbin
COPY --from=build /httpbin /
USER 1000:1000
ENTRYPOINT ["node", "/app/httpbin-httpbin.js"]

FROM node AS bookinfo-productpage
COPY --from=build /bookinfo-productpage /
USER 1000:1000
ENTRYPOINT ["node", "/app/bookinfo-productpage.js"]

FROM node AS bookinfo-details
COPY --from=build /bookinfo-details /
USER 1000:1000
ENTRYPOINT ["node", "/app/bookinfo-details.js"]

FROM node AS bookinfo-reviews
COPY --from=build /bookinfo-reviews /
USER 1000:1000
ENTRYPOINT ["node", "/app/bookinfo-reviews.js"]

FROM node AS bookinfo-ratings
COPY --from=build /bookinfo-ratings /
USER 1000:1000
ENTRYPOINT ["node", "/app/bookinfo-ratings.js"]

# For tests and for looking into a pod; runs as root.
FROM base AS test-tools
COPY --from=build /packet-filter /
COPY --from=build /network-tools /
COPY --from=build /test-tools /
USER 0:0
CMD ["sh"]
