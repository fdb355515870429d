#!/bin/bash
# The first process of a lab host, alone in its mount, pid and uts namespaces. It makes the host
# look like a machine of its own, says so on descriptor $ready, then reaps what is orphaned.
set -eu
name=$1 folder=$2 disk_mib=$3 ready=$4
hostname "$name" 2>/dev/null || echo "$name" >/proc/sys/kernel/hostname
umount -R -l /run/netns 2>/dev/null || true
# Another home for root without hiding /root itself, where the Python interpreter may live.
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/shadow" /etc/shadow
if [ "$disk_mib" != 0 ]; then
  mount -t tmpfs -o "size=${disk_mib}m,mode=700" "$name-disk" "$folder/home"
fi
mkdir -p /run/sshd
echo up >&"$ready"
exec {ready}>&-
trap : TERM HUP INT
while :; do
  sleep 3600 &
  wait $! || true
done
