#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: pkg_config.sh PREFIX LIBDIR PROBE.c WORK: links the probe by what hob.pc says, shared and fully static.
set -eu
prefix=$1 libdir=$2 probe=$3 work=$4
PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
export PKG_CONFIG_PATH
mkdir -p "$work"
"$PKG_CONFIG" --exists --print-errors 'hob >= 0.1'
# shellcheck disable=SC2046
"$CC" -std=c99 -Wall -Wextra -pedantic -Werror "$probe" $("$PKG_CONFIG" --cflags --libs hob) -o "$work/shared"
LD_LIBRARY_PATH=$prefix/$libdir "$work/shared"
# shellcheck disable=SC2046
"$CC" -std=c99 "$probe" -static $("$PKG_CONFIG" --static --cflags --libs hob) -o "$work/static"
"$work/static"
