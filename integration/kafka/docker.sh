#!/usr/bin/env bash
# Makes containers of Kafka possible where nothing is set up for them, and where no image can be pulled:
#
#   docker.sh up      install Docker (Debian's packages), start its daemon, have or build the image
#   docker.sh down    stop the daemon that `up` started, if it did
#   docker.sh image   only build the image, on the daemon there is
#
# The image is built from the host's own Java and Kafka's jars from Maven Central, with the interface of the public
# one that package kafkatest uses: KAFKA_* variables become server.properties, and /etc/kafka/docker/run starts the
# broker. `up` takes the public image instead if it can be pulled.
set -euo pipefail
cd "$(dirname "$0")/.."

run_dir="${LEAT_DOCKER_DIR:-/tmp/leat-docker}"
kafka() { go run ./kafka -print "$1"; }
answers() { docker info > /dev/null 2>&1; }

install_docker() {
  command -v dockerd > /dev/null && command -v docker > /dev/null && command -v iptables > /dev/null && return
  [ "$(id -u)" = 0 ] || { echo "docker.sh: Docker is not installed, and only root can install it" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io iptables > /dev/null
}

start_daemon() {
  answers && return
  mkdir -p "$run_dir"
  setsid dockerd > "$run_dir/dockerd.log" 2>&1 < /dev/null &
  echo $! > "$run_dir/dockerd.pid"
  for _ in $(seq 120); do
    answers && return
    kill -0 "$(cat "$run_dir/dockerd.pid")" 2> /dev/null || break
    sleep 0.5
  done
  echo "docker.sh: dockerd does not answer; the end of $run_dir/dockerd.log:" >&2
  tail -n 20 "$run_dir/dockerd.log" >&2
  exit 1
}

stop_daemon() {
  [ -e "$run_dir/dockerd.pid" ] || return 0
  local pid
  pid="$(cat "$run_dir/dockerd.pid")"
  rm -f "$run_dir/dockerd.pid"
  # After a crash the number may belong to somebody else by now.
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = dockerd ] || return 0
  kill "$pid"
  for _ in $(seq 60); do
    kill -0 "$pid" 2> /dev/null || return 0
    sleep 0.5
  done
  echo "docker.sh: dockerd ($pid) does not end" >&2
  exit 1
}

# The commands of the start script and of the shell that package kafkatest wraps around it.
commands=(sh cat env sed tr)

# host_files prints every file of the host that goes into the image at its own place: Java, the shared libraries of
# Java and the commands, and those beside libc that native code inside of Kafka's jars is linked with (zstd's with
# libpthread).
host_files() {
  local home bins libc
  home="$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")"
  mapfile -t bins < <(command -v "${commands[@]}")
  {
    echo "$home"
    { ldd "${bins[@]}" "$home/bin/java"; find "$home/lib" -name '*.so' -exec ldd {} +; } 2> /dev/null |
      grep -o '/[^ :]*\.so[^ :]*' | grep -v "^$home"
    libc="$(ldd "$home/bin/java" | grep -o '/[^ ]*/libc\.so\.[0-9]*')"
    ls "${libc%/*}"/lib{pthread,dl,rt,m}.so.[0-9]
  } | sort -u
}

# usable tells whether an image is there that was pulled, or built by this form of the script.
usable() {
  local found
  found="$(docker image inspect "$1" --format '{{len .RepoDigests}} {{.Config.Labels}}' 2> /dev/null)" || return 1
  [ "${found%% *}" != 0 ] || [[ "$found" == *"$label"* ]]
}
label="leat.built:$(sha256sum kafka/docker.sh | cut -c1-16)"

build_image() {
  local image="$1" root jars java
  jars="$(kafka jars)"
  java="$(readlink -f "$(command -v java)")"
  root="$(mktemp -d)"
  # shellcheck disable=SC2064 # The folder of now is meant.
  trap "rm -rf '$root'" EXIT
  mkdir -p "$root"/{bin,tmp,etc/kafka/docker,opt/kafka}
  for c in "${commands[@]}"; do cp -L "$(command -v "$c")" "$root/bin/"; done
  cp -r "$jars" "$root/opt/kafka/libs"
  echo 'root:x:0:0:root:/:/bin/sh' > "$root/etc/passwd"
  echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
  cat > "$root/etc/kafka/docker/run" <<SCRIPT
#!/bin/sh
# KAFKA_NODE_ID=1 becomes node.id=1, and so on.
env | sed -n 's/^KAFKA_//p' | while IFS= read -r line; do
  echo "\$(echo "\${line%%=*}" | tr 'A-Z_' 'a-z.')=\${line#*=}"
done > /tmp/server.properties
echo log.dirs=/tmp/data >> /tmp/server.properties
java="$java -Xmx768m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp /opt/kafka/libs/*"
set -f
\$java kafka.tools.StorageTool format -t "\${CLUSTER_ID:-leat-kafka-test-cluster}" -c /tmp/server.properties
exec \$java kafka.Kafka /tmp/server.properties
SCRIPT
  chmod +x "$root/etc/kafka/docker/run"
  # Links are followed, so that Java's configuration comes along from /etc; Debian leaves some of them dangling.
  host_files > "$root/tmp/files"
  tar -ch --ignore-failed-read --exclude='*/src.zip' --exclude='*/jmods' --exclude='*/man' \
    -C / --files-from <(sed 's,^/,,' "$root/tmp/files") -C "$root" bin etc opt tmp 2> "$root/tar.log" |
    docker import --change 'ENV PATH=/bin' --change "LABEL ${label/:/=}" --change 'CMD ["/etc/kafka/docker/run"]' - "$image" > /dev/null ||
    { cat "$root/tar.log" >&2; exit 1; }
}

case "${1:-}" in
up)
  install_docker
  start_daemon
  image="$(kafka image)"
  usable "$image" || timeout 120 docker pull -q "$image" 2> /dev/null || build_image "$image"
  echo "$image"
  ;;
down) stop_daemon ;;
image) build_image "$(kafka image)" ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
