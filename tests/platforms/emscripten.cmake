# SPDX-License-Identifier: MIT
#
# For CMAKE_PROJECT_INCLUDE, with Debian's toolchain file of emscripten. doctest.h and json.hpp are in
# /usr/include, whose C library is not that of WebAssembly. So their directories are linked into one
# of their own, and what CMake finds in /usr/include is not passed to the compiler.
list(APPEND CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES /usr/include)
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/include")
foreach(library doctest nlohmann)
  file(CREATE_LINK /usr/include/${library} "${CMAKE_BINARY_DIR}/include/${library}" SYMBOLIC)
endforeach()
include_directories(SYSTEM "${CMAKE_BINARY_DIR}/include")
