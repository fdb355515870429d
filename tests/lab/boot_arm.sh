#!/bin/bash
# The first process of a device of another processor, alone in its mount, pid and uts namespaces:
# makes the cached root file system its own, with a layer to write to, and goes there for good.
set -eu
name=$1 folder=$2 disk_mib=$3 ready=$4 tree=$5 layer=$6
hostname "$name" 2>/dev/null || echo "$name" >/proc/sys/kernel/hostname
root=$layer/root
mkdir -p "$layer/upper" "$layer/work" "$root"
over() {
  mount -t overlay -o "lowerdir=$tree,upperdir=$layer/upper,workdir=$layer/work" "$name" "$root"
}
if ! over 2>/dev/null; then
  # The layer is on an overlay itself, as in a container: keep it in memory.
  mount -t tmpfs "$name-layer" "$layer"
  mkdir -p "$layer/upper" "$layer/work" "$root"
  over
fi
mount -t proc proc "$root/proc"
mount --bind "$folder/board/cpuinfo" "$root/proc/cpuinfo"
mount --bind "$folder/board/sys" "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir "$root/run/sshd"
# Its keys and settings, under the name that they have outside.
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
if [ "$disk_mib" != 0 ]; then
  mount -t tmpfs -o "size=${disk_mib}m,mode=700" "$name-disk" "$root/root"
fi
cd "$root"
pivot_root . mnt
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [ "$ready" != 3 ]; then  # the shell there knows descriptors of one digit
  exec 3>&"$ready" {ready}>&-
fi
exec chroot . /bin/sh -c "
  umount -l /mnt
  echo up >&3
  exec 3>&-
  trap : TERM HUP INT
  while :; do
    sleep 3600 &
    wait \$! || true
  done
"
