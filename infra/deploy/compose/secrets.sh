#!/bin/sh
# Makes the secrets that compose.yml hands to the containers, each once; what is there stays.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
make() { # file, content
    [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"
    chmod 644 "secrets/$1" # read inside by another user; the folder is closed
}
for name in jwt_secret clickhouse_writer_password clickhouse_reader_password clickhouse_analyst_password; do
    make "$name" "$(random)"
done
make postgres_password "$(random)"
make postgres "postgresql://paceline:$(cat secrets/postgres_password)@postgres:5432/paceline"
