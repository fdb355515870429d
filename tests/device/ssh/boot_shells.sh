#!/bin/sh
# In a mount namespace of its own: other accounts, a home that cannot be written to, one where
# nothing can be executed, nor in /tmp, and no Python where accounts would find one by chance.
# boot_shells.sh FOLDER KEPT... -- COMMAND...: KEPT is what below /tmp has to stay as it is.
set -e
folder=$1
shift
mount -t tmpfs none /mnt
number=0
for kept; do
  shift
  if [ "$kept" = -- ]; then break; fi
  number=$((number + 1))
  mkdir "/mnt/$number"
  mount --rbind "$kept" "/mnt/$number"
  echo "$kept" >>/mnt/kept
done
mount -t tmpfs -o noexec,mode=1777 none /tmp
number=0
if [ -e /mnt/kept ]; then
  while read -r kept; do
    number=$((number + 1))
    mkdir -p "$kept"
    mount --rbind "/mnt/$number" "$kept"
  done </mnt/kept
fi
mount --bind "$folder/passwd" /etc/passwd
mount -t tmpfs -o mode=1777 none /var/tmp
mount -t tmpfs -o noexec,mode=700 none "$folder/homes/noexec"
mount --bind "$folder/homes/readonly" "$folder/homes/readonly"
mount -o remount,bind,ro "$folder/homes/readonly"
exec "$@"
