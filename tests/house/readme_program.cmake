# SPDX-License-Identifier: MIT
#
# The program in README.md is, letter by letter, examples/06_train_mnist.cpp, which is compiled.
file(READ ${SOURCE_DIR}/README.md readme)
file(READ ${SOURCE_DIR}/examples/06_train_mnist.cpp program)
string(FIND "${readme}" "```cpp\n${program}```" place)
if(place LESS 0)
  message(FATAL_ERROR "README.md does not quote examples/06_train_mnist.cpp as it is")
endif()
