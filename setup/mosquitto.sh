#!/bin/sh
# Sees to it that the MQTT broker Mosquitto is there for the tests of listening.
set -eu
cd "$(dirname "$0")/.."
. setup/quietly.sh
. setup/packages.sh

# Debian has it where only root's path leads.
if PATH="$PATH:/usr/sbin" command -v mosquitto >/dev/null 2>&1; then exit 0; fi
need_packages "The MQTT tests need Mosquitto" mosquitto
