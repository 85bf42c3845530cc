// SPDX-License-Identifier: MIT
//
// The name of the inline namespace that everything lives in.
//
// A header-only library is compiled again in every translation unit, with the flags of that unit.
// Two units built with different instruction sets, or one with OpenMP and one without, would each
// emit a `fovea::gemm<float>` and the linker would keep one of the two at random. So the flags are
// part of the name: fovea::abi_avx512_omp::gemm<float> and fovea::abi_generic::gemm<float> live
// side by side, and handing a fovea type across such a border fails at link time, on purpose.
#pragma once

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#  error "fovea needs C++20: compile with -std=c++20 (g++ 12 or newer, clang 14 or newer)"
#endif

#if !defined(__cpp_exceptions)
#  error "fovea needs exceptions: its errors are of type fovea::Error; leave out -fno-exceptions"
#endif

#if defined(_WIN32)
#  error "fovea needs POSIX files: Linux, macOS or WebAssembly; on Windows use WSL"
#elif !defined(__clang__) && !defined(__GNUC__)
#  error "fovea needs the vector extensions of g++ 12 or clang 14 (__builtin_shufflevector)"
#elif defined(__clang__) ? __clang_major__ < 14 : __GNUC__ < 12
#  error "fovea needs g++ 12 or clang 14, or newer: __builtin_shufflevector and C++20 without gaps"
#elif defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2
#  error "fovea needs float and double without excess precision: add -msse2 -mfpmath=sse"
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#  define FOVEA_ISA avx512
#  define FOVEA_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#  define FOVEA_ISA avx2
#  define FOVEA_VECTOR_BYTES 32
#else
#  define FOVEA_ISA generic
#  define FOVEA_VECTOR_BYTES 16
#endif

#define FOVEA_DETAIL_JOIN(a, b) a##b
#define FOVEA_DETAIL_CONCAT(a, b) FOVEA_DETAIL_JOIN(a, b)
#define FOVEA_DETAIL_TEXT(a) #a
#define FOVEA_TEXT(a) FOVEA_DETAIL_TEXT(a)

#ifdef _OPENMP
#  define FOVEA_ABI FOVEA_DETAIL_CONCAT(FOVEA_DETAIL_CONCAT(abi_, FOVEA_ISA), _omp)
#else
#  define FOVEA_ABI FOVEA_DETAIL_CONCAT(abi_, FOVEA_ISA)
#endif

// A function that is called, not copied into its callers: for what is long and rarely run,
// and for the kernels, which no other function shares registers with. (Clang makes no clones
// and does not know the word.)
#if defined(__clang__)
#  define FOVEA_OUT_OF_LINE [[gnu::noinline]]
#else
#  define FOVEA_OUT_OF_LINE [[gnu::noinline, gnu::noclone]]
#endif
