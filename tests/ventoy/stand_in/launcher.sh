#!/bin/sh
# Stands in for Ventoy2Disk.sh, which looks where it is and hands over to its worker. As with the real one, the worker's
# exit status is lost.
if ! [ -f ./boot/boot.img ] || ! [ -f ./tool/VentoyWorker.sh ]; then
  echo "Please run under the correct directory!"
  exit 1
fi
echo ''
echo '**********************************************'
echo "      Ventoy: $(cat ./ventoy/version)  x86_64"
echo '**********************************************'
echo ''
/bin/bash ./tool/VentoyWorker.sh $*
if [ -n "$OLDDIR" ]; then cd "$OLDDIR"; fi
