// SPDX-License-Identifier: MIT
// Chapter 13: which pixels a unit can see, by the recursion and by backpropagation.
#include <fovea/explain/receptive_field.hpp>
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Rng rng{1};
  const auto net =
      sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 4, .kernel = 3, .padding = 1}), relu,
                         max_pool2d(2), conv2d({.out = 4, .kernel = 3, .padding = 1}));
  const auto fields = receptive_fields(net);
  for (const auto& field : fields)
    std::printf("%-6s size %td, jump %td, start %td\n", field.layer.c_str(), field.size.h,
                field.jump.h, field.start.h);

  // The gradient of the sum of the four units at (6, 6) of conv2: 0 wherever they cannot see.
  Tensor<double, 4> x(Shape{1, 1, 28, 28});
  for (double& pixel : x) pixel = rng.uniform(-1, 1);
  auto workspace = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  net.forward(x, workspace);
  workspace.output_gradient().fill(0);
  for (Index c = 0; c < 4; ++c) workspace.output_gradient()(0, c, 6, 6) = 1;
  net.backward(workspace);
  const Box box = fields.back().box(6, 6);
  Index inside = 0, outside = 0;
  for (Index h = 0; h < 28; ++h)
    for (Index w = 0; w < 28; ++w)
      if (workspace.input_gradient()(0, 0, h, w) != 0) ++(box.contains(h, w) ? inside : outside);
  std::printf("unit (6, 6) of conv2 sees %s\n", to_string(box).c_str());
  std::printf("pixels with a gradient: %td outside the box, %td of %td inside\n", outside, inside,
              box.height * box.width);
}
