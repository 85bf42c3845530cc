# SPDX-License-Identifier: MIT
#
# The README as a stranger follows it: its program is, letter by letter, examples/06_train_mnist.cpp,
# and its CMake file builds that program beside a clone.
#
#   cmake -DSOURCE_DIR=... -DWORK_DIR=... -DCXX=... -P readme_program.cmake
file(READ ${SOURCE_DIR}/README.md readme)
file(READ ${SOURCE_DIR}/examples/06_train_mnist.cpp program)
string(FIND "${readme}" "```cpp\n${program}```" place)
if(place LESS 0)
  message(FATAL_ERROR "README.md does not quote examples/06_train_mnist.cpp as it is")
endif()

string(REGEX MATCH "```cmake\n([^`]+)```" _ "${readme}")
file(REMOVE_RECURSE ${WORK_DIR})
file(WRITE ${WORK_DIR}/CMakeLists.txt "${CMAKE_MATCH_1}")
file(WRITE ${WORK_DIR}/first.cpp "${program}")
file(CREATE_LINK ${SOURCE_DIR} ${WORK_DIR}/fovea SYMBOLIC)
foreach(command "-S;${WORK_DIR};-B;${WORK_DIR}/build;-DCMAKE_CXX_COMPILER=${CXX}"
                "--build;${WORK_DIR}/build")
  execute_process(COMMAND ${CMAKE_COMMAND} ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "README.md's project does not build:\n${output}")
  endif()
endforeach()
