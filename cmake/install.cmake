# SPDX-License-Identifier: MIT
#
# cmake --install: the headers and what leads CMake and pkg-config to them. The installed files find each
# other by relative paths, so the tree may be moved and --prefix may name another place, and none depends
# on the processor. Where CMAKE_INSTALL_INCLUDEDIR or CMAKE_INSTALL_DATADIR is absolute, so is the path to it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
cmake_path(SET include_dir NORMALIZE "${CMAKE_INSTALL_INCLUDEDIR}")
cmake_path(SET data_dir NORMALIZE "${CMAKE_INSTALL_DATADIR}")  # CMake counts the way up, and .. would count as a step
set(package_dir "${data_dir}/cmake/fovea")
set(pkgconfig_dir "${data_dir}/pkgconfig")

# CMake writes the prefix into a package in an absolute directory, and --prefix comes too late for that.
if(IS_ABSOLUTE "${data_dir}" AND NOT IS_ABSOLUTE "${include_dir}")
  install(CODE "if(NOT CMAKE_INSTALL_PREFIX STREQUAL [[${CMAKE_INSTALL_PREFIX}]])
    message(FATAL_ERROR [[fovea: --prefix: with an absolute CMAKE_INSTALL_DATADIR expected the prefix of the \
configuration, ${CMAKE_INSTALL_PREFIX}, found]] \" \${CMAKE_INSTALL_PREFIX}\")
  endif()")
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/fovea" DESTINATION "${include_dir}"
        FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(TARGETS fovea fovea_fast EXPORT fovea_targets INCLUDES DESTINATION "${include_dir}")
install(EXPORT fovea_targets FILE foveaTargets.cmake NAMESPACE fovea:: DESTINATION "${package_dir}")

# <build>/cmake: the package as find_package sees it in the build directory, and the files of it to install.
set(package "${CMAKE_CURRENT_BINARY_DIR}/cmake")
export(EXPORT fovea_targets FILE "${package}/foveaTargets.cmake" NAMESPACE fovea::)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/foveaConfig.cmake.in" "${package}/foveaConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
# Below 1.0 a minor version may change what the last one promised.
write_basic_package_version_file("${package}/foveaConfigVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file("${CMAKE_CURRENT_LIST_DIR}/foveaComponents.cmake" "${package}/foveaComponents.cmake" COPYONLY)
configure_file("${CMAKE_CURRENT_LIST_DIR}/foveaFast.cmake" "${package}/foveaFast.cmake" COPYONLY)
foreach(file foveaConfig foveaConfigVersion foveaComponents foveaFast)
  install(FILES "${package}/${file}.cmake" DESTINATION "${package_dir}")
endforeach()

# pkg-config knows where it has read the file: ${pcfiledir}. An absolute data directory may be anywhere.
if(IS_ABSOLUTE "${data_dir}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/prefix/${pkgconfig_dir}" "/prefix")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
if(IS_ABSOLUTE "${include_dir}")
  set(pc_includedir "${include_dir}")
else()
  set(pc_includedir "\${prefix}/${include_dir}")
endif()
string(REPLACE " " "\\ " pc_prefix "${pc_prefix}")
string(REPLACE " " "\\ " pc_includedir "${pc_includedir}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/fovea.pc.in" "${package}/fovea.pc" @ONLY)
install(FILES "${package}/fovea.pc" DESTINATION "${pkgconfig_dir}")
