// SPDX-License-Identifier: MIT
//
// After the first step a training step allocates nothing, an attack among it: malloc and its relatives
// are replaced by ones that count.
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "fovea/explain/attacks.hpp"
#include "fovea/fovea.hpp"

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

using namespace fovea;

int main() {
  const Dataset data = synthetic_digits(320);
  Rng rng{1};
  Sequential net{Shape{1, 28, 28},
                 Conv2d<float>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{{.kernel = 2}},
                 Conv2d<float>{{.in = 8, .out = 8, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{{.kernel = 2}},
                 Flatten{},
                 Linear<float>{{.in = 392, .out = 70}, rng},
                 Relu{},
                 Linear<float>{{.in = 70, .out = 10}, rng}};
  // Clang's OpenMP runtime allocates on its own behalf whenever threads start to work.
#ifdef __clang__
  constexpr int threads = 1;
#else
  constexpr int threads = 0;
#endif
  auto w = net.workspace(64, {.threads = threads});
  Adam adam{net};
  auto epoch = batches(data, 64, {.threads = threads}, Augment{.shift = 2, .noise = 0.1});
  const Predictor predictor{net, 64};
  auto scratch = predictor.scratch(threads);
  AttackOptions short_pgd = pgd(0.1);
  short_pgd.steps = 3;
  short_pgd.threads = threads;
  Attack attack{net, 64, data.scaling, short_pgd};

  long counted = -1;
  for (Index step = 0; step < 5; ++step) {
    const long before = allocations;
    const auto [images, labels] = epoch[step];
    const auto worse = attack(net, images, labels);
    const auto logits = net.forward(worse, w);
    cross_entropy(logits, labels, w.output_gradient());
    net.backward(w);
    adam.step(net, w);
    predictor(images, scratch);
    counted = allocations - before;
    if (step > 0 && counted != 0) break;
  }
  std::printf("allocations so far: %ld, in the last step: %ld\n", allocations, counted);
  return allocations > 0 && counted == 0 ? 0
                                         : 1;  // none at all would mean that nothing was counted
}
