# SPDX-License-Identifier: MIT
#
# What the wings stand on, said once: CMakeLists.txt includes this file, and so does an installed fovea.
#
#   fovea_find_wing(io libraries missing)
#
# sets `libraries` to what a user of fovea/io/ links besides fovea::fovea, and `missing` to what is not on
# this machine, in words, or to nothing. Who asks for neither wing looks for none of it.
macro(fovea_find_wing wing libraries missing)
  set(${missing} "")
  if("${wing}" STREQUAL "io")
    set(${libraries} ZLIB::ZLIB nlohmann_json::nlohmann_json)
    find_package(ZLIB QUIET)
    if(NOT ZLIB_FOUND)
      list(APPEND ${missing} "zlib (Debian: zlib1g-dev)")
    endif()
    find_package(nlohmann_json QUIET)
    if(NOT nlohmann_json_FOUND)
      list(APPEND ${missing} "nlohmann/json (Debian: nlohmann-json3-dev)")
    endif()
  elseif("${wing}" STREQUAL "viz")
    set(${libraries} fovea::stb)
    find_path(FOVEA_STB_INCLUDE_DIR stb_image_write.h PATH_SUFFIXES stb)
    if(NOT FOVEA_STB_INCLUDE_DIR)
      list(APPEND ${missing} "stb_image_write.h (Debian: libstb-dev)")
    elseif(NOT TARGET fovea::stb)
      add_library(fovea::stb INTERFACE IMPORTED)
      target_include_directories(fovea::stb SYSTEM INTERFACE "${FOVEA_STB_INCLUDE_DIR}")
    endif()
  endif()
  string(REPLACE ";" " and " ${missing} "${${missing}}")
endmacro()
