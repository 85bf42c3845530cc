#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs a program on ranks in network namespaces of this machine, whose links are shaped to so many megabits a second by
# the token bucket of the kernel (tc ... tbf): what several machines on one switch would see. Needs root, iproute2 and
# Open MPI. All it makes is named fovea... and is removed at the end; its addresses are 10.77.0.0/24.
#
#   benchmarks/scaling/links.sh RANKS MEGABITS PROGRAM [ARGUMENT...]
set -euo pipefail
if [ "${1:-}" = --agent ]; then  # what mpirun calls in place of ssh: HOST COMMAND...
  number=${2##*.}
  shift 2
  exec ip netns exec "fovea$number" unshare --uts sh -c "hostname fovea$number; $*"
fi
ranks=$1 megabits=$2
shift 2
self=$(realpath "$0")
remove() {
  for ((i = 1; i <= ranks; ++i)); do ip netns del "fovea$i" 2> /dev/null || true; done
  ip link del foveabridge 2> /dev/null || true
}
trap remove EXIT
remove
ip link add foveabridge type bridge
ip link set foveabridge up
hosts=
for ((i = 1; i <= ranks; ++i)); do
  ip netns add "fovea$i"
  ip link add "foveaport$i" type veth peer name eth0 netns "fovea$i"
  ip link set "foveaport$i" master foveabridge up
  ip -n "fovea$i" addr add "10.77.0.$i/24" dev eth0
  ip -n "fovea$i" link set eth0 up
  ip -n "fovea$i" link set lo up
  # Both directions: what the rank sends, and what its port of the switch sends to it.
  if [ "$megabits" != 0 ]; then
    tc -n "fovea$i" qdisc add dev eth0 root tbf rate "${megabits}mbit" burst 128kb latency 10ms
    tc qdisc add dev "foveaport$i" root tbf rate "${megabits}mbit" burst 128kb latency 10ms
  fi
  hosts+=${hosts:+,}10.77.0.$i:1
done
ip netns exec fovea1 unshare --uts sh -c "hostname fovea1; exec \"\$@\"" mpirun \
  mpirun --allow-run-as-root --host "$hosts" -n "$ranks" --mca plm_rsh_agent "$self --agent" \
  --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
  --mca mpi_yield_when_idle 1 --mca orte_keep_fqdn_hostnames 1 --leave-session-attached -x OMP_WAIT_POLICY=passive "$@"
