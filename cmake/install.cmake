# SPDX-License-Identifier: MIT
#
# cmake --install: the headers, and three small files that lead CMake and pkg-config to them. None of them
# knows where it stands, so the whole may be moved, and none depends on the processor.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/fovea")
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/fovea" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(TARGETS fovea fovea_fast EXPORT fovea_targets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT fovea_targets FILE foveaTargets.cmake NAMESPACE fovea:: DESTINATION "${package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/foveaConfig.cmake.in" install/foveaConfig.cmake
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/install/foveaConfigVersion.cmake"
                                 COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/install/foveaConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/install/foveaConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/foveaWings.cmake"
        DESTINATION "${package_dir}")

file(RELATIVE_PATH up_to_prefix "/${pkgconfig_dir}" "/")
string(REGEX REPLACE "/$" "" up_to_prefix "${up_to_prefix}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/fovea.pc.in" install/fovea.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/install/fovea.pc" DESTINATION "${pkgconfig_dir}")
