# SPDX-License-Identifier: MIT
#
# The instruction set of what links fovea::fast. CMakeLists.txt and an installed fovea include this file.
#
#   FOVEA_ARCH      native   -march=native (the default), except for a target whose flags name an
#                            instruction set and for a build for another machine: they get no flag
#                   none     no flag
#                   X        -march=X, for instance x86-64-v3
#
# CMake puts the options of a linked library after all others, so a fixed option of fovea::fast would
# override the user's. Instead fovea::fast reads its option from a property of the target that links it.
# fovea_set_arch sets the property at the end of the top directory, when all flags are known; a target
# without the property gets no option. Flags that CMake cannot show are not seen: those of add_definitions,
# of a compiler wrapper and of a response file.
include(CheckCXXCompilerFlag)
set(fovea_fast_options "$<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno;$<TARGET_PROPERTY:FOVEA_ARCH_$<CONFIG>>>")

# fovea_get_flags(flags TARGET): the options of the target, and those that it gets from what it links.
function(fovea_get_flags flags target)
  get_target_property(options ${target} COMPILE_OPTIONS)
  get_target_property(old_options ${target} COMPILE_FLAGS)
  get_target_property(linked ${target} LINK_LIBRARIES)
  set(all "${options} ${old_options}")
  foreach(library ${linked})
    if(TARGET "${library}")
      get_target_property(options "${library}" INTERFACE_COMPILE_OPTIONS)
      string(APPEND all " ${options}")
    endif()
  endforeach()
  set(${flags} "${all}" PARENT_SCOPE)
endfunction()

# fovea_get_option(option): the option that FOVEA_ARCH means, or nothing.
function(fovea_get_option option)
  set(${option} "" PARENT_SCOPE)
  if(FOVEA_ARCH STREQUAL "none" OR (FOVEA_ARCH STREQUAL "native" AND
      (CMAKE_CROSSCOMPILING OR CMAKE_CXX_COMPILER_TARGET OR CMAKE_OSX_ARCHITECTURES)))
    return()
  endif()
  string(MAKE_C_IDENTIFIER "FOVEA_HAS_MARCH_${FOVEA_ARCH}" has)
  check_cxx_compiler_flag(-march=${FOVEA_ARCH} ${has})
  if(${has})
    set(${option} -march=${FOVEA_ARCH} PARENT_SCOPE)
  elseif(NOT FOVEA_ARCH STREQUAL "native")
    message(FATAL_ERROR "fovea: FOVEA_ARCH: expected native, none or what the compiler takes after -march=, "
                        "found ${FOVEA_ARCH}")
  endif()
endfunction()

# fovea_set_arch(DIRECTORY): sets the property for all targets of the directory and of those below it.
function(fovea_set_arch directory)
  set(instruction_set "[^A-Za-z0-9]-m(no-)?(arch=|cpu=|fpu=|mmx|s?sse|avx|fma|xop|bmi|f16c|popcnt|lzcnt|v?aes|sha|gfni")
  string(APPEND instruction_set "|v?pclmul|amx|altivec|vsx|simd128|general-regs-only)")
  foreach(name FOVEA_ARCH CMAKE_BUILD_TYPE CMAKE_CONFIGURATION_TYPES)
    get_directory_property(${name} DIRECTORY "${directory}" DEFINITION ${name})
  endforeach()
  if(NOT FOVEA_ARCH)
    set(FOVEA_ARCH native)
  endif()
  fovea_get_option(option)
  get_directory_property(targets DIRECTORY "${directory}" BUILDSYSTEM_TARGETS)
  get_directory_property(all DIRECTORY "${directory}" DEFINITION CMAKE_CXX_FLAGS)
  foreach(target ${targets})
    fovea_get_flags(flags ${target})
    foreach(config IN ITEMS "${CMAKE_BUILD_TYPE}" ${CMAKE_CONFIGURATION_TYPES})
      string(TOUPPER "CMAKE_CXX_FLAGS_${config}" name)
      get_directory_property(some DIRECTORY "${directory}" DEFINITION ${name})
      if(NOT FOVEA_ARCH STREQUAL "native" OR
         NOT " ${CMAKE_CXX_COMPILER_ARG1} ${all} ${some} ${flags}" MATCHES "${instruction_set}")
        set_property(TARGET ${target} PROPERTY FOVEA_ARCH_${config} ${option})
      endif()
    endforeach()
  endforeach()
  get_directory_property(subdirectories DIRECTORY "${directory}" SUBDIRECTORIES)
  foreach(subdirectory ${subdirectories})
    fovea_set_arch("${subdirectory}")
  endforeach()
endfunction()

# Where C++ is enabled after find_package(fovea), OpenMP is looked for now.
function(fovea_finish)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if("CXX" IN_LIST languages)
    get_property(late GLOBAL PROPERTY FOVEA_BEFORE_CXX)
    if(late)
      fovea_find(missing OpenMP::OpenMP_CXX)
    endif()
    fovea_set_arch("${CMAKE_SOURCE_DIR}")
  endif()
endfunction()
get_property(fovea_scheduled GLOBAL PROPERTY FOVEA_SCHEDULED)
if(NOT fovea_scheduled)
  set_property(GLOBAL PROPERTY FOVEA_SCHEDULED TRUE)
  cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL fovea_finish)
endif()
