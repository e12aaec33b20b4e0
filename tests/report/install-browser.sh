#!/bin/sh
# Installs what tests/report/test_browser.py needs beyond the Python packages playwright and
# axe-playwright-python: Debian's Chromium. Playwright's own browsers are not downloaded.
set -eu

if ! command -v chromium >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        chromium fonts-dejavu-core
fi
chromium --version
