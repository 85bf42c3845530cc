# SPDX-License-Identifier: MIT
#
# What Doxygen reads instead of a header.
#
# The inline namespace that carries the instruction set is no name that anybody writes.
s/namespace fovea::inline FOVEA_ABI/namespace fovea/
# A comment behind a declaration says what it is: "Tensor<T, 1> bias;  // (O), or empty".
s@\([;,]\)   *// @\1  ///< @
# In our comments < is less than, and \ is a letter.
s@^\( *///.*\)\\@\1\\\\@
:again
s@\(///<\{0,1\} .*[^\\]\)<@\1\\<@
t again
# What is said to std about Shape, behind the namespace, is no name of ours.
/^\/\/ Structured bindings: /,$d
