#!/bin/sh
# SPDX-License-Identifier: MIT
#
# With one file, copied from anywhere; SINGLE_HEADER is the directory that holds fovea/fovea.hpp.
set -e
${CXX:-g++} -std=c++20 $CXXFLAGS -I "$SINGLE_HEADER" "$(dirname "$0")/../program.cpp" -o program
