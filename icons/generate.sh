#!/bin/sh
# Makes every size of the app's icon and every tray icon from the drawings beside this file.
# Needs (Debian): librsvg2-bin imagemagick icnsutils. Run it after a drawing has changed, and commit what it makes.
set -eu
cd "$(dirname "$0")"

for size in 32 128 256 512; do
    rsvg-convert -w $size app.svg -o $size.png
done
for size in 16 24 48; do
    rsvg-convert -w $size app.svg -o /tmp/belfry-icon-$size.png
done
convert /tmp/belfry-icon-16.png /tmp/belfry-icon-24.png 32.png /tmp/belfry-icon-48.png 256.png icon.ico
png2icns icon.icns 32.png 128.png 256.png 512.png >/dev/null
rm /tmp/belfry-icon-*.png

for drawing in tray/*.svg; do
    name=${drawing%.svg}
    rsvg-convert -w 64 "$drawing" -o "$name.png"
    # macOS colours the menu bar's icons itself: black where there is something, nothing elsewhere.
    sed -E 's/fill="#(ffffff|000000)"/fill="\1"/g; s/#[0-9a-f]{6}/#000000/g; s/fill="(ffffff|000000)"/fill="#\1"/g' "$drawing" |
        rsvg-convert -w 64 -o "$name-template.png"
done
