// SPDX-License-Identifier: MIT
//
// malloc and its relatives, replaced by ones that count. For one file of a program.
#pragma once

#include <cerrno>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {
long allocations = 0;
}

extern "C" {
void* malloc(std::size_t n) { return ++allocations, __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) { return ++allocations, __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) { return ++allocations, __libc_realloc(p, n); }
void* aligned_alloc(std::size_t alignment, std::size_t n) {
  return ++allocations, __libc_memalign(alignment, n);
}
void* memalign(std::size_t alignment, std::size_t n) {
  return ++allocations, __libc_memalign(alignment, n);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t n) {
  *p = (++allocations, __libc_memalign(alignment, n));
  return *p ? 0 : ENOMEM;
}
}
