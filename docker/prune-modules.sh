#!/bin/sh
# sh prune-modules.sh <node_modules>: takes out what no running service reads, more than half of the bytes. Source maps,
# types, readmes; and the compiler, which is there for a plugin of Swagger that only a build would use. Licences stay.
set -eu
rm -rf "$1/typescript"
find "$1" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' \) -delete
