# A PostgreSQL server of one's own, of the Debian package, for tests marked "services": it listens at a
# socket in a folder of its own only, and asks for a password. To be sourced:
#
#     . .ci/postgres.sh; start_postgres; .venv/bin/python -m pytest -m services; stop_postgres

postgres_folder=

# Its programs refuse to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

install_postgres() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null && return
    apt-get update -qq
    apt_install postgresql-common
    # The server that the package would start is of no use here.
    sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' \
        /etc/postgresql-common/createcluster.conf
    apt_install postgresql
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        < /dev/null > /dev/null
}

postgres_program() {
    printf '%s/%s' "$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1)" "$1"
}

# Gives its URL to the tests as CBIR_POSTGRES_URL.
start_postgres() {
    install_postgres
    postgres_folder=$(mktemp -d)
    echo secret > "$postgres_folder/password"
    [ "$(id -u)" = 0 ] && chown -R postgres "$postgres_folder"
    as_postgres "$(postgres_program initdb)" --pgdata "$postgres_folder/data" --username tester \
        --pwfile "$postgres_folder/password" --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 \
        --no-sync > /dev/null
    as_postgres "$(postgres_program pg_ctl)" start --wait --silent --pgdata "$postgres_folder/data" \
        --log "$postgres_folder/log" \
        --options "-k '$postgres_folder' -c listen_addresses='' -c fsync=off"
    export CBIR_POSTGRES_URL="postgresql://tester:secret@/postgres?host=$postgres_folder"
}

stop_postgres() {
    [ -n "$postgres_folder" ] || return 0
    if [ -e "$postgres_folder/data/postmaster.pid" ]; then
        as_postgres "$(postgres_program pg_ctl)" stop --wait --silent --mode immediate \
            --pgdata "$postgres_folder/data" || true
    fi
    rm -rf "$postgres_folder"
    postgres_folder=
}
