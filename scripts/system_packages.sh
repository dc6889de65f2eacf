#!/bin/sh
# Installs the Debian packages named in the files given, where it may; otherwise names what is missing.
command -v dpkg-query >/dev/null || exit 0 # not Debian: its own package manager has other names
missing=""
for package in $(cat "$@"); do
    # Debian 13 and Ubuntu 24.04 call libglib2.0-0 libglib2.0-0t64, which provides the old name.
    dpkg-query -W -f '${db:Status-Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q '^installed$' ||
        missing="$missing $package"
done
[ -z "$missing" ] && exit 0
install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif sudo -n true 2>/dev/null; then
    sudo="sudo"
else
    echo "These system packages are missing; ask an administrator to run: $install" >&2
    exit 1
fi
echo "Installing system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq && $sudo $install -qq >/dev/null
