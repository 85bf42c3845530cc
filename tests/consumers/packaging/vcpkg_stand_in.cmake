# SPDX-License-Identifier: MIT
#
# Runs a portfile without vcpkg: the functions that ours calls, each reduced to what it does to a port of
# headers on Linux. It tries the steps and the paths of the portfile, not vcpkg.
#
#   cmake -DPORT_DIR=DIRECTORY -DWORK=DIRECTORY -P vcpkg_stand_in.cmake      installs into WORK/packages
cmake_minimum_required(VERSION 3.20)
get_filename_component(PORT "${PORT_DIR}" NAME)
set(CURRENT_PACKAGES_DIR "${WORK}/packages")
set(configure "${CMAKE_COMMAND}" -B "${WORK}/build" "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}"
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF)

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH OPTIONS)
  execute_process(COMMAND ${configure} -S "${arg_SOURCE_PATH}" ${arg_OPTIONS} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/build" --target install COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Moves the package to share/PORT, and sets the way up to the prefix, which is two directories now.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  set(from "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}")
  set(to "${CURRENT_PACKAGES_DIR}/share/${PORT}")
  file(GLOB files "${from}/*.cmake")
  if(NOT files)
    message(FATAL_ERROR "vcpkg_cmake_config_fixup: expected a CMake package in ${from}, found none")
  endif()
  file(COPY ${files} DESTINATION "${to}")
  get_filename_component(parent "${from}" DIRECTORY)
  file(REMOVE_RECURSE "${parent}")
  set(up [[get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)]])
  file(GLOB files "${to}/*.cmake")
  foreach(file ${files})
    file(READ "${file}" text)
    string(REPLACE "\n${up}\n${up}\n${up}" "\n${up}\n${up}" text "${text}")
    string(REPLACE "{CMAKE_CURRENT_LIST_DIR}/../../../" "{CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
    file(WRITE "${file}" "${text}")
  endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
  file(GLOB_RECURSE files "${CURRENT_PACKAGES_DIR}/*.pc")
  foreach(file ${files})
    file(READ "${file}" text)
    if(text MATCHES "${WORK}" OR NOT file MATCHES "/(lib|share)/pkgconfig/")
      message(FATAL_ERROR "${file}: expected a relocatable file in lib/pkgconfig or share/pkgconfig")
    endif()
  endforeach()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
  configure_file("${arg_FILE_LIST}" "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" COPYONLY)
endfunction()

include("${PORT_DIR}/portfile.cmake")

# What vcpkg checks after the build of a port.
foreach(file copyright usage foveaConfig.cmake)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/${PORT}/${file}")
    message(FATAL_ERROR "expected share/${PORT}/${file}, found none")
  endif()
endforeach()
foreach(directory debug share/cmake share/doc lib bin)
  if(EXISTS "${CURRENT_PACKAGES_DIR}/${directory}")
    message(FATAL_ERROR "expected no ${directory} in a port of headers")
  endif()
endforeach()
