#!/bin/sh
# Makes Belfry-VERSION.pkg, for deployment, from the Belfry.app of the bundler. Runs on macOS only.
#
#   packaging/macos/build-pkg.sh APP VERSION OUTPUT-FOLDER
#
# Signed when APPLE_INSTALLER_IDENTITY names a "Developer ID Installer" certificate of the keychain, and notarised when
# APPLE_API_KEY, APPLE_API_ISSUER and APPLE_API_KEY_PATH are set too.
set -eu
app=$1 version=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/root/Applications" "$work/root/Library/LaunchAgents" "$work/root/usr/local/bin" "$out"
ditto "$app" "$work/root/Applications/Belfry.app"
install -m 644 "$here/app.belfry.desktop.plist" "$work/root/Library/LaunchAgents/"
ln -s /Applications/Belfry.app/Contents/MacOS/belfryctl "$work/root/usr/local/bin/belfryctl"

# Installed where it is told, not over a copy that somebody has moved.
pkgbuild --analyze --root "$work/root" "$work/components.plist"
plutil -replace 0.BundleIsRelocatable -bool NO "$work/components.plist"
pkgbuild --root "$work/root" --component-plist "$work/components.plist" --scripts "$here/scripts" \
    --identifier app.belfry.desktop --version "$version" --install-location / "$work/belfry.pkg"

result="$out/Belfry-$version.pkg"
if [ -n "${APPLE_INSTALLER_IDENTITY:-}" ]; then
    productbuild --package "$work/belfry.pkg" --sign "$APPLE_INSTALLER_IDENTITY" "$result"
else
    echo "not signed: APPLE_INSTALLER_IDENTITY is not set" >&2
    productbuild --package "$work/belfry.pkg" "$result"
fi
if [ -n "${APPLE_INSTALLER_IDENTITY:-}" ] && [ -n "${APPLE_API_KEY_PATH:-}" ]; then
    xcrun notarytool submit "$result" --wait \
        --key "$APPLE_API_KEY_PATH" --key-id "$APPLE_API_KEY" --issuer "$APPLE_API_ISSUER"
    xcrun stapler staple "$result"
fi
echo "$result"
