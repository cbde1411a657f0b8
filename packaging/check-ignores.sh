#!/bin/sh
# Fails if deny.toml ignores an advisory without "until YYYY-MM-DD" in its reason, or if that day is over.
#
#   packaging/check-ignores.sh [deny.toml]
set -eu
file=${1:-deny.toml}
today=$(date -u +%Y-%m-%d)
awk -v today="$today" '
    /^\[/ { inside = ($0 == "[advisories]") }
    inside && /RUSTSEC-[0-9]+-[0-9]+/ {
        if (!match($0, /until [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/)) {
            print FILENAME ":" FNR ": this advisory is ignored without \"until YYYY-MM-DD\" in its reason: " $0
            failed = 1
        } else if (substr($0, RSTART + 6, 10) < today) {
            print FILENAME ":" FNR ": the day of this advisory is over; look again and update it: " $0
            failed = 1
        }
    }
    END { exit failed }
' "$file"
