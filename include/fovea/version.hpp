// SPDX-License-Identifier: MIT
#pragma once

// The version of the library, in one place: CMake reads these three lines.
#define FOVEA_VERSION_MAJOR 0
#define FOVEA_VERSION_MINOR 1
#define FOVEA_VERSION_PATCH 0
