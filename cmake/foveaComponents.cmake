# SPDX-License-Identifier: MIT
#
# The components and the libraries they link. CMakeLists.txt and an installed fovea include this file.
set(fovea_components eigen images io mpi viz)
set(fovea_eigen_needs Eigen3::Eigen)
set(fovea_images_needs PNG::PNG JPEG::JPEG ZLIB::ZLIB)
set(fovea_io_needs ZLIB::ZLIB nlohmann_json::nlohmann_json)
set(fovea_mpi_needs MPI::MPI_CXX)
set(fovea_viz_needs stb::stb)

# fovea_find(missing TARGET...): afterwards each target exists, or `missing` is a text that names what to
# install. A target that the parent project made (FetchContent, add_subdirectory) is taken as it is,
# whatever its version. The name in front of :: is the name of the CMake package.
function(fovea_find missing)
  set(Eigen3_debian libeigen3-dev)
  set(ZLIB_debian zlib1g-dev)
  set(nlohmann_json_debian nlohmann-json3-dev)
  set(stb_debian libstb-dev)
  set(CLI11_debian libcli11-dev)
  set(PNG_debian libpng-dev)
  set(JPEG_debian libjpeg-dev)
  set(MPI_debian "libopenmpi-dev and openmpi-bin")
  set(doctest_debian doctest-dev)
  set(benchmark_debian libbenchmark-dev)
  set(OpenMP_debian "part of g++, libomp-dev for clang")
  set(MPI_CXX_SKIP_MPICXX TRUE)  # the interface of C alone
  set(words "")
  foreach(target ${ARGN})
    string(REGEX REPLACE "::.*" "" package ${target})
    set(found "")
    if(NOT TARGET ${target})
      find_package(${package} QUIET)
      if(NOT TARGET ${target})  # a Find module of the parent that makes no target
        find_package(${package} QUIET CONFIG)
      endif()
      if(package STREQUAL "stb" AND NOT TARGET stb::stb)  # in most places a directory of headers
        find_path(FOVEA_STB_INCLUDE_DIR stb_image_write.h PATH_SUFFIXES stb)
        if(FOVEA_STB_INCLUDE_DIR)
          add_library(stb::stb INTERFACE IMPORTED)
          target_include_directories(stb::stb INTERFACE "${FOVEA_STB_INCLUDE_DIR}")
        endif()
      endif()
      # Without a version in find_package: the version file of Eigen 5 says no to 3.4.
      if(package STREQUAL "Eigen3" AND Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.4)
        set(found " 3.4 or newer, found ${Eigen3_VERSION}")
      endif()
    endif()
    if(found OR NOT TARGET ${target})
      list(APPEND words "${package}${found} (Debian: ${${package}_debian})")
    endif()
  endforeach()
  list(JOIN words " and " words)
  set(${missing} "${words}" PARENT_SCOPE)
endfunction()
