// SPDX-License-Identifier: MIT
//
// The ResNet-18 of torchvision (He et al., 2016) under its own names. tests/exchange/test_resnet18.py runs it.
//
//   resnet18 IN.safetensors IMAGES.npy LOGITS.npy OUT.safetensors
#include <cstdio>

#include "fovea/fovea.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/io/npy.hpp"

using namespace fovea;

namespace {

auto branch(Index channels, Index stride) {
  return chain(
      conv2d({.out = channels, .kernel = 3, .stride = stride, .padding = 1, .bias = false}),
      batch_norm2d(), relu, conv2d({.out = channels, .kernel = 3, .padding = 1, .bias = false}),
      batch_norm2d());
}
auto keep(Index channels) { return residual(branch(channels, 1)); }
auto halve(Index channels) {
  return residual(branch(channels, 2),
                  shortcut(conv2d({.out = channels, .stride = 2, .bias = false}), batch_norm2d()));
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc == 5, "resnet18: expected four files, got ", argc - 1);
  Rng rng{1};
  auto net = sequential<float>(
      Shape{3, 224, 224}, rng,
      conv2d({.out = 64, .kernel = 7, .stride = 2, .padding = 3, .bias = false}), batch_norm2d(),
      relu, max_pool2d({.kernel = 3, .stride = 2, .padding = 1}), keep(64), relu, keep(64), relu,
      halve(128), relu, keep(128), relu, halve(256), relu, keep(256), relu, halve(512), relu,
      keep(512), relu, global_avg_pool2d, flatten, linear(1000));
  const Names names{{"layer1.0", "residual1.f"},
                    {"layer1.1", "residual2.f"},
                    {"layer2.0", "residual3.f"},
                    {"layer2.0.downsample.0", "residual3.shortcut.conv1"},
                    {"layer2.0.downsample.1", "residual3.shortcut.bn1"},
                    {"layer2.1", "residual4.f"},
                    {"layer3.0", "residual5.f"},
                    {"layer3.0.downsample.0", "residual5.shortcut.conv1"},
                    {"layer3.0.downsample.1", "residual5.shortcut.bn1"},
                    {"layer3.1", "residual6.f"},
                    {"layer4.0", "residual7.f"},
                    {"layer4.0.downsample.0", "residual7.shortcut.conv1"},
                    {"layer4.0.downsample.1", "residual7.shortcut.bn1"},
                    {"layer4.1", "residual8.f"},
                    {"fc", "fc1"}};
  load_model(argv[1], net, {.names = names});
  write_npy(argv[3], net.predict(read_npy<float, 4>(argv[2])));
  save_model(argv[4], net, names);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
