// SPDX-License-Identifier: MIT
//
// The whole session in one translation unit: what its files have in common is compiled once, in half of
// the time.
#include "explorer/apart.cpp"
#include "explorer/blueprint.cpp"
#include "explorer/breaking.cpp"
#include "explorer/digits.cpp"
#include "explorer/drawing.cpp"
#include "explorer/learner.cpp"
#include "explorer/looking.cpp"
#include "explorer/own.cpp"
#include "explorer/session.cpp"
