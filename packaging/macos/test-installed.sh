#!/bin/sh
# Installs the PKG, looks at what is there, tries the programs against a push server on this machine, and removes it again.
# For a Mac that may be changed, such as a runner.
#
#   packaging/macos/test-installed.sh FILE.pkg
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
work=$(mktemp -d)
cargo build --locked -p belfry-pushd
target/debug/belfry-pushd --listen 127.0.0.1:0 --user alice:secret > "$work/pushd.txt" &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
until [ -s "$work/pushd.txt" ]; do sleep 0.2; done
address() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/pushd.txt" | head -1; }
cat > "$work/settings.toml" <<TOML
[server]
endpoints = ["$(address stomp)"]
[auth]
mode = "password"
login = "alice"
login_url = "$(address http)/login"
TOML

sudo installer -pkg "$1" -target /
test -x /Applications/Belfry.app/Contents/MacOS/belfry
test -x /usr/local/bin/belfryctl
plutil -lint /Library/LaunchAgents/app.belfry.desktop.plist
plutil -extract CFBundleURLTypes.0.CFBundleURLSchemes.0 raw /Applications/Belfry.app/Contents/Info.plist | grep -qx belfry

# A profile counts only where it is forced; what stands in the plain preferences is an installer's default.
sudo defaults write /Library/Preferences/app.belfry.desktop inbox.retention_days -int 30
belfryctl policy --json | grep -q '"name":"inbox.retention_days"'
sudo defaults delete /Library/Preferences/app.belfry.desktop

BELFRY_PASSWORD=secret
export BELFRY_PASSWORD
belfryctl run --json --timeout 15s --config "$work/settings.toml" --data-dir "$work/data" | tee "$work/run.txt"
grep -q '"state":"live"' "$work/run.txt"
belfryctl doctor --config "$work/settings.toml" --data-dir "$work/data" || true
/Applications/Belfry.app/Contents/MacOS/belfry --smoke-test --config "$work/settings.toml" --data-dir "$work/data"

sudo packaging/macos/uninstall.sh
test ! -e /Applications/Belfry.app
test ! -e /Library/LaunchAgents/app.belfry.desktop.plist
test -e "$work/data"
echo "installed, tried and removed"
