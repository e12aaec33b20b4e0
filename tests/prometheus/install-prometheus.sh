#!/bin/sh
# Installs what tests/prometheus needs: Debian's prometheus, for its server and promtool. Its service
# is not used; the tests start a server of their own on a loopback port.
set -eu

if ! command -v promtool >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus
fi
prometheus --version
