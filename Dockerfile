# The image of a node: `docker build -t temjob .`
# Built and run nowhere in this repository's own tests, which have no container engine: they check this file's syntax, that
# every path it copies exists, and that the commands it runs are those of package.json (test/deploy).

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY examples examples
COPY web web
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=root:root /app/package.json ./
COPY --from=build --chown=root:root /app/node_modules node_modules
COPY --from=build --chown=root:root /app/dist dist
RUN ln -s /app/dist/src/main.js /usr/local/bin/temjob && chmod 755 dist/src/main.js
# What a node writes goes to its servers and to stdout: it runs with a read-only root file system as well.
USER node
EXPOSE 8088
STOPSIGNAL SIGTERM
# The process answers, whatever else is wrong: a restart would not mend a database. Balancers ask /readyz instead.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8088/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Signals reach the node itself, which drains; `docker run --init` reaps what the modules of a user may leave behind.
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["start", "--config", "/etc/temjob/config.yaml"]
