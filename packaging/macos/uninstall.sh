#!/bin/sh
# Removes what Belfry's PKG installed. What people received stays, in ~/Library/Application Support/app.belfry.
# Runs as root: sudo packaging/macos/uninstall.sh
set -u
if [ "$(id -u)" != 0 ]; then
    echo "run this as root: sudo $0" >&2
    exit 1
fi
for uid in $(ps -axo uid=,comm= | awk '/\/Belfry\.app\// { print $1 }' | sort -u); do
    launchctl bootout "gui/$uid/app.belfry.desktop" 2>/dev/null
done
pkill -TERM -x belfry
rm -f /Library/LaunchAgents/app.belfry.desktop.plist /usr/local/bin/belfryctl
rm -rf /Applications/Belfry.app
pkgutil --pkg-info app.belfry.desktop >/dev/null 2>&1 && pkgutil --forget app.belfry.desktop
echo "Belfry is removed."
