#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Without any build system; FOVEA is a clone.
set -e
${CXX:-g++} -std=c++20 $CXXFLAGS -I "$FOVEA/include" "$(dirname "$0")/../program.cpp" -o program
