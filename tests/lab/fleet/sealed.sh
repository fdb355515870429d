#!/bin/bash
# The first process of a scheduler or a gateway, alone in its mount and pid namespaces: a user
# without rights, who sees of this machine's private folders only code, Python and a folder of its
# own.  sealed.sh UID FOLDER HIDDEN.. -- KEPT.. -- COMMAND..
set -eu
umask 022
uid=$1 folder=$2
shift 2
hidden=() kept=()
while [ "$1" != -- ]; do hidden+=("$1"); shift; done
shift
while [ "$1" != -- ]; do kept+=("$1"); shift; done
shift
all=("${kept[@]}" "$folder")
mount --bind "$folder/passwd" /etc/passwd
umount -R -l /run/netns 2>/dev/null || true
mount -t tmpfs -o mode=755 kept /mnt
for i in "${!all[@]}"; do
  mkdir "/mnt/$i"
  mount --bind "${all[$i]}" "/mnt/$i"
done
for place in /root /home /tmp; do
  mount -t tmpfs -o mode=1755 hidden "$place"
done
chmod 1777 /tmp
back() {
  mkdir -p "${all[$1]}"
  mount --bind "/mnt/$1" "${all[$1]}"
}
for i in "${!kept[@]}"; do
  back "$i"
  mount -o remount,bind,ro "${all[$i]}"
done
for place in "${hidden[@]}"; do
  if [ -d "$place" ]; then mount -t tmpfs -o mode=755 hidden "$place"; fi
done
back "${#kept[@]}"
umount -l /mnt
cd "$folder"
rights=(--clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)
# Not exec: the kernel ends this process with the one that started it only as long as it is root's,
# and with this one ends all that is in its pid namespace.
setpriv --reuid="$uid" --regid="$uid" "${rights[@]}" \
  env HOME="$folder" LOGNAME="$(id -un "$uid")" "$@" &
wait $!
