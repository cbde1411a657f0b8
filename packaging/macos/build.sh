#!/bin/sh
# Makes the universal Belfry.app, its DMG and its PKG. Runs on macOS only, with Rust (both targets), Node and Xcode's tools.
#
#   packaging/macos/build.sh OUTPUT-FOLDER
#
# Signed and notarised by the bundler when its variables are set: APPLE_SIGNING_IDENTITY, APPLE_CERTIFICATE and
# APPLE_CERTIFICATE_PASSWORD, APPLE_API_KEY, APPLE_API_ISSUER and APPLE_API_KEY_PATH. Empty ones count as not set.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$root"
for name in APPLE_CERTIFICATE APPLE_CERTIFICATE_PASSWORD APPLE_SIGNING_IDENTITY APPLE_INSTALLER_IDENTITY \
    APPLE_API_KEY APPLE_API_ISSUER APPLE_API_KEY_PATH; do
    eval "[ -n \"\${$name:-}\" ]" || unset "$name"
done

(cd ui && npm ci && npm run build)
for arch in aarch64 x86_64; do
    cargo build --release --locked --target "$arch-apple-darwin" -p belfryctl
done
mkdir -p target/universal-apple-darwin/release
lipo -create -output target/universal-apple-darwin/release/belfryctl \
    target/aarch64-apple-darwin/release/belfryctl target/x86_64-apple-darwin/release/belfryctl
if [ -n "${APPLE_SIGNING_IDENTITY:-}" ]; then
    codesign --force --timestamp --options runtime --sign "$APPLE_SIGNING_IDENTITY" target/universal-apple-darwin/release/belfryctl
fi

config='{"bundle":{"macOS":{"files":{"MacOS/belfryctl":"../target/universal-apple-darwin/release/belfryctl"}}}}'
(cd src-tauri && npx --yes @tauri-apps/cli@2.12.5 build --target universal-apple-darwin --bundles app,dmg --config "$config" -- --locked)

bundle=target/universal-apple-darwin/release/bundle
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
codesign --verify --deep --strict "$bundle/macos/Belfry.app" || echo "Belfry.app is not signed" >&2
cp "$bundle"/dmg/*.dmg "$out/Belfry-$version.dmg"
packaging/macos/build-pkg.sh "$bundle/macos/Belfry.app" "$version" "$out"
