#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints agent/trial_kernel.c: the file given as argument, as an array. od and
# awk are everywhere; xxd is not.
set -eu

echo '/* Made by agent/trial_kernel.sh: do not edit. */'
echo '#include "agent/trial.h"'
echo
echo 'const unsigned char trial_kernel[] = {'
od -An -v -tu1 "$1" | awk '{ gsub(/ +/, ","); print substr($0, 2) "," }'
echo '};'
echo 'const size_t trial_kernel_len = sizeof(trial_kernel);'
