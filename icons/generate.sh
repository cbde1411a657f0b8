#!/bin/sh
# Makes every size of the app's icon and every tray icon from the drawings beside this file.
# Needs (Debian): librsvg2-bin imagemagick icnsutils fonts-noto-core. Run it after a drawing has changed, and commit what it makes.
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

# tray DRAWING NAME: a coloured icon, and one for macOS, which colours the menu bar's icons itself: black
# where there is something, nothing elsewhere.
tray() {
    rsvg-convert -w 64 "$1" -o "tray/$2.png"
    sed -E 's/fill="#(ffffff|000000)"/fill="\1"/g; s/#[0-9a-f]{6}/#000000/g; s/fill="(ffffff|000000)"/fill="#\1"/g' "$1" |
        rsvg-convert -w 64 -o "tray/$2-template.png"
}

for name in action-needed connecting live offline; do
    tray tray/$name.svg $name
done
for count in 1 2 3 4 5 6 7 8 9; do
    sed "s/>N</>$count</" tray/unread.svg > /tmp/belfry-unread.svg
    tray /tmp/belfry-unread.svg unread-$count
done
sed 's/>N</>9+</; s/y="15.2"/y="13.6"/; s/font-size="15"/font-size="10.5"/' tray/unread.svg > /tmp/belfry-unread.svg
tray /tmp/belfry-unread.svg unread-more
rm /tmp/belfry-unread.svg

# What Windows lays over the button in the task bar.
badge() {
    sed "$1" tray/unread.svg | sed 's/viewBox="0 0 32 32"/viewBox="12.5 0.5 19 19"/; /<path/d' > /tmp/belfry-badge.svg
    rsvg-convert -w 32 /tmp/belfry-badge.svg -o "badge/$2.png"
    rm /tmp/belfry-badge.svg
}

for count in 1 2 3 4 5 6 7 8 9; do
    badge "s/>N</>$count</" $count
done
badge 's/>N</>9+</; s/y="15.2"/y="13.6"/; s/font-size="15"/font-size="10.5"/' more
