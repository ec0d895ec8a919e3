# One image a program, from one build: docker build --build-arg VERSION=v3.1.0 --target mizzend -t mizzen/mizzend:v3.1.0 .
# Programs say the version that they were built for, so the tag and VERSION are the same.
# Every image runs one bundled file as a non-root user and needs no writable root file system.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY tools tools
COPY src src
COPY samples samples
ARG VERSION=v3.1.0
RUN node tools/generate-xds.ts && MIZZEN_BUILD_VERSION=${VERSION} node tools/build.ts

# The base of every image: Node alone, no npm, no shell scripts of ours, user 1337 as in Istio.
FROM node:24-bookworm-slim AS base
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
 && groupadd --gid 1337 istio-proxy && useradd --uid 1337 --gid 1337 --no-create-home --shell /usr/sbin/nologin istio-proxy
WORKDIR /
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
USER 1337:1337

FROM base AS mizzen-operator
COPY --from=build /src/dist/operator.js /src/dist/operator.js.map /app/
COPY templates /app/templates
COPY crds /app/crds
ENV MIZZEN_TEMPLATES=/app/templates MIZZEN_CRDS=/app/crds
ENTRYPOINT ["node", "/app/operator.js"]

FROM base AS mizzend
COPY --from=build /src/dist/mizzend.js /src/dist/mizzend.js.map /app/
ENTRYPOINT ["node", "/app/mizzend.js"]

FROM base AS mizzen-proxy
# The name by which Istio's documentation calls the agent: kubectl exec POD -c istio-proxy -- pilot-agent request GET stats
USER 0:0
RUN printf '#!/bin/sh\nexec node /app/proxy.js "$@"\n' > /usr/local/bin/pilot-agent && chmod 755 /usr/local/bin/pilot-agent
USER 1337:1337
COPY --from=build /src/dist/proxy.js /src/dist/proxy.js.map /app/
# The foreign function library with the one binary of this platform, for captured connections; loaded only with interception mode REDIRECT.
COPY --from=build /src/node_modules/koffi /app/node_modules/koffi
COPY --from=build /src/node_modules/@koromix /app/node_modules/@koromix
# Source maps are not loaded at run time here: they would be the largest part of an idle proxy's memory.
ENV NODE_OPTIONS=
ENTRYPOINT ["node", "/app/proxy.js"]

# The init container (istio-init) and the node DaemonSet need the packet filter's tools; nothing else has them.
FROM base AS mizzen-cni
USER 0:0
RUN apt-get update && apt-get install -y --no-install-recommends iptables nftables iproute2 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/dist/node-agent.js /src/dist/node-agent.js.map /src/dist/cni.js /app/
USER 1337:1337
ENTRYPOINT ["node", "/app/node-agent.js"]

# The sample applications.
FROM base AS httpbin
COPY --from=build /src/dist/samples/httpbin-httpbin.js /app/
ENTRYPOINT ["node", "/app/httpbin-httpbin.js"]

FROM base AS bookinfo-productpage
COPY --from=build /src/dist/samples/bookinfo-productpage.js /app/
ENTRYPOINT ["node", "/app/bookinfo-productpage.js"]

FROM base AS bookinfo-details
COPY --from=build /src/dist/samples/bookinfo-details.js /app/
ENTRYPOINT ["node", "/app/bookinfo-details.js"]

FROM base AS bookinfo-reviews
COPY --from=build /src/dist/samples/bookinfo-reviews.js /app/
ENTRYPOINT ["node", "/app/bookinfo-reviews.js"]

FROM base AS bookinfo-ratings
COPY --from=build /src/dist/samples/bookinfo-ratings.js /app/
ENTRYPOINT ["node", "/app/bookinfo-ratings.js"]
