#!/usr/bin/env bash
# Runs the shop: its three services, customers who check out for some seconds, and an accountant who compares the
# totals with what was bought. Meanwhile the services that are named are killed and started again, "fulfilment" if none is:
#
#   examples/shop/run.sh                                                # on a Kafka that it starts for itself
#   LEAT_BROKERS=localhost:9092 examples/shop/run.sh orders payments    # on yours
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${LEAT_BROKERS:-}" ]; then
  exec go run -C integration ./kafka -- "$PWD/examples/shop/run.sh" "$@"
fi
[ $# -gt 0 ] || set -- fulfilment

dir="$(mktemp -d)"
declare -A pids=()
start() { # start SERVICE: in the background, with a state directory of its own
  BROKERS="$LEAT_BROKERS" STATE_DIR="$dir/state/$1" "$dir/$1" >> "$dir/$1.log" 2>&1 &
  pids[$1]=$!
}
stop() { # ends what still runs; a service that has failed shows why
  local status=$?
  trap - EXIT
  kill "${pids[@]}" 2> /dev/null || true
  wait
  [ $status = 0 ] || tail -n 5 "$dir"/*.log >&2
  rm -rf "$dir"
  exit $status
}
trap stop EXIT
trap 'exit 130' INT TERM

go build -o "$dir/" ./examples/shop/orders ./examples/shop/payments ./examples/shop/fulfilment
go build -C integration -o "$dir/customers" ./shop
"$dir/customers" -topics
for service in orders payments fulfilment; do start "$service"; done

"$dir/customers" -checkouts "${CHECKOUTS:-3000}" -rate "${RATE:-300}" & pids[customers]=$!
for service in "$@"; do
  sleep 3
  echo "killing $service"
  kill -9 "${pids[$service]}"
  wait "${pids[$service]}" 2> /dev/null || true
  sleep 1
  echo "starting $service again"
  start "$service"
done
wait "${pids[customers]}"
for service in orders payments fulfilment; do
  kill -0 "${pids[$service]}" || { echo "$service has ended" >&2; exit 1; }
done
