#!/bin/sh
# Installs the deb with its real dependencies, tries the programs as an ordinary person against a push server on this
# machine, upgrades, and purges. For a system that may be changed: a root made for this, a container, a virtual machine.
#
#   packaging/linux/test-installed.sh FILE.deb NEWER.deb belfry-pushd     (as root)
#
# Every line "ok: ..." is an assertion that held; the first that does not ends the run.
set -eu
deb=$1 newer=$2 pushd=$3
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
ok() { echo "ok: $1"; }
fail() {
    echo "FAILED: $1"
    exit 1
}
export DEBIAN_FRONTEND=noninteractive
files() { find / -xdev \( -path /proc -o -path /tmp -o -path /sys -o -path /dev -o -path /run \) -prune -o -print | sort; }
person() { su alice -s /bin/sh -c "cd; $1"; }

apt-get update >"$work/apt.txt" 2>&1 || { cat "$work/apt.txt"; fail "apt reads its package lists"; }
apt-get install --yes --no-install-recommends dbus dbus-daemon dunst procps python3-minimal xauth xvfb >"$work/apt.txt" 2>&1 ||
    { cat "$work/apt.txt"; fail "the tools of this test are installed"; }
useradd --create-home alice
files >"$work/before"

apt-get install --yes --no-install-recommends "$deb" >"$work/apt.txt" 2>&1 || { cat "$work/apt.txt"; fail "install"; }
ok "installs with its dependencies from the archive"
test -z "$(dpkg --verify belfry)" || fail "files are as in the package"
ok "files are as in the package"
belfryctl --version
for program in belfry belfryctl; do
    ! ldd "/usr/bin/$program" | grep -q 'not found' || fail "$program finds its libraries"
done
! ldd /usr/bin/belfryctl | grep -qE 'gtk|webkit' || fail "belfryctl has no libraries of a desktop"
ok "the programs find their libraries, and belfryctl needs no desktop"

# Policies: the administrator's count and lock, what others could have written does not.
mkdir -p /etc/belfry/policies/managed
echo '{"inbox.retention_days": 30, "app.theme": "pink"}' >/etc/belfry/policies/managed/10-test.json
row() { person "belfryctl policy --json" | tr '{' '\n' | grep "\"name\":\"$1\""; }
row inbox.retention_days | grep '"value":30' | grep -q '"level":"mandatory"' || fail "a policy of root locks"
ok "a policy of root counts and locks"
row app.theme | grep '"status":"invalid"' | grep -q 'accepted is' || fail "an invalid value is reported"
ok "an invalid value is reported and disables its key alone"
chmod 666 /etc/belfry/policies/managed/10-test.json
row inbox.retention_days | grep -q '"level":"built-in"' || fail "a file that anybody may write to does not count"
person "belfryctl policy" | grep -q 'others than root may write to it' || fail "it is said why"
ok "a policy that anybody may write to is ignored, and it is said why"
chown alice /etc/belfry/policies/managed/10-test.json
chmod 644 /etc/belfry/policies/managed/10-test.json
person "belfryctl policy" | grep -q 'has to belong to root' || fail "a file of another user does not count"
ok "a policy of another user is ignored, and it is said why"
rm -r /etc/belfry

"$pushd" --listen 127.0.0.1:0 --user alice:secret >"$work/pushd.txt" 2>"$work/pushd.log" &
server=$!
until [ -s "$work/pushd.txt" ]; do sleep 0.1; done
address() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/pushd.txt" | head -1; }
cat >/home/alice/settings.toml <<TOML
[server]
endpoints = ["$(address stomp)"]
[[server.subscriptions]]
destination = "/user/queue/notices"
[api]
base = "$(address http)/ecgapi"
[auth]
mode = "password"
login = "alice"
login_url = "$(address http)/login"
TOML
chown alice /home/alice/settings.toml
install -d -o alice -m 700 /home/alice/.config /home/alice/.config/belfry
install -o alice -m 600 /home/alice/settings.toml /home/alice/.config/belfry/settings.toml
ctl="BELFRY_PASSWORD=secret belfryctl"
person "$ctl send --title 'Before the upgrade' --type 1 --to alice 'A text'" || fail "a message is sent"
person "$ctl run --json --count 1 --timeout 60s" >"$work/run.txt" || { cat "$work/run.txt"; fail "belfryctl run"; }
grep -q '"event":"notice"' "$work/run.txt" || { cat "$work/run.txt"; fail "a notice arrives"; }
ok "belfryctl receives and stores a notice"
person "dbus-run-session -- xvfb-run -a sh -c 'dunst & BELFRY_PASSWORD=secret belfry --smoke-test'" >"$work/smoke.txt" 2>&1 ||
    { cat "$work/smoke.txt"; fail "belfry --smoke-test"; }
ok "belfry --smoke-test: live, a notification shown and withdrawn"

apt-get install --yes --no-install-recommends "$newer" >"$work/apt.txt" 2>&1 || { cat "$work/apt.txt"; fail "upgrade"; }
person "belfryctl inbox list --json" | grep -q 'Before the upgrade' || fail "the upgrade keeps the inbox"
ok "the upgrade keeps the inbox"
kill $server
server=

apt-get purge --yes belfry >"$work/apt.txt" 2>&1 || { cat "$work/apt.txt"; fail "purge"; }
apt-get autoremove --purge --yes >"$work/apt.txt" 2>&1 || { cat "$work/apt.txt"; fail "autoremove"; }
test -d /home/alice/.local/share/belfry || fail "the inbox stays"
files >"$work/after"
left=$(comm -13 "$work/before" "$work/after" | grep -i belfry | grep -v '^/home/alice/' || true)
test -z "$left" || { echo "$left"; fail "nothing of the package is left"; }
ok "purge leaves nothing but what people received"
