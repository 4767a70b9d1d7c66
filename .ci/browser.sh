# A browser for tests marked "services", and what looks for barriers on pages: Debian's Chromium, its
# client of PyPI, and axe-core of npm in a folder of its own. To be sourced:
#
#     . .ci/browser.sh; start_browser; .venv/bin/python -m pytest -m services; stop_browser

browser_folder=

install_chromium() {
    command -v chromium > /dev/null && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium \
        < /dev/null > /dev/null
}

install_npm() {
    command -v npm > /dev/null && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm \
        < /dev/null > /dev/null
}

# Tells the tests where axe-core is as CBIR_AXE.
start_browser() {
    install_chromium
    install_npm
    .venv/bin/python -c 'import playwright' 2> /dev/null || .venv/bin/pip install --quiet '.[browser]'
    browser_folder=$(mktemp -d)
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$browser_folder" \
        axe-core@4.14.1 > /dev/null
    export CBIR_AXE="$browser_folder/node_modules/axe-core/axe.min.js"
}

stop_browser() {
    [ -n "$browser_folder" ] || return 0
    rm -rf "$browser_folder"
    browser_folder=
}
