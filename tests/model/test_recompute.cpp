// SPDX-License-Identifier: MIT
//
// What backward does not keep and computes again, what it leaves out in front of the first layer that is
// trained, and the scratch memory that the layers of a workspace share.
#include "fovea/fused/conv_pool.hpp"
#include "support.hpp"

using namespace test;

namespace recompute_tests {
namespace {

using Results = std::vector<std::vector<float>>;

/// A first convolution of few multiply-adds, branches, dropout, a view, every kind of step.
auto network() {
  Rng rng{7};
  return sequential<float>(
      Shape{3, 17, 18}, rng, conv2d({.out = 8, .kernel = 2}), sigmoid,
      conv2d({.out = 16, .kernel = 3, .padding = 1, .bias = false}), max_pool2d(2), batch_norm2d(),
      gelu, residual(conv2d({.out = 16, .kernel = 3, .padding = 1}), batch_norm2d(), relu), Tanh{},
      silu, dropout(0.3), conv2d({.out = 16, .kernel = 3}), batch_norm2d(), relu, max_pool2d(2),
      relu, flatten, linear(5));
}
bool first_layer(std::string_view name) { return name.starts_with("conv1."); }

/// y, the gradients of all that is trained, and the running values after two steps.
template <class Net>
Results two_steps(Net net, const WorkspaceOptions& how, bool pools, Index* memory = nullptr) {
  const Index N = 4;
  auto w = pools ? net.workspace(N, how, conv_pool<float>) : net.workspace(N, how);
  if (memory) *memory = w.plan().memory().size();
  Results all;
  for (const Index n : {N, Index{3}}) {
    const auto x = random_tensor<float>(Shape{n, 3, 17, 18}, static_cast<std::uint64_t>(n));
    const auto y = net.forward(x, w);
    all.emplace_back(y.begin(), y.end());
    const auto dy = random_tensor<float>(y.shape(), 5);
    std::copy(dy.begin(), dy.end(), w.output_gradient().begin());
    net.backward(w);
    net.for_each_parameter(w, [&](auto, auto g) { all.emplace_back(g.begin(), g.end()); });
    if (how.input_gradient) {
      const auto dx = w.input_gradient();
      all.emplace_back(dx.begin(), dx.end());
    }
    net.commit_buffers(w);
    w.step += 1;
  }
  net.for_each_state([&](const auto&, const auto& b) { all.emplace_back(b.begin(), b.end()); });
  return all;
}

TEST_CASE("recompute: the same bits in less memory, frozen or not, fused or not") {
  const auto net = network();
  for (const bool input_gradient : {true, false})
    for (const bool freezes : {true, false})
      for (const bool fuse : {true, false}) {
        CAPTURE(input_gradient);
        CAPTURE(freezes);
        CAPTURE(fuse);
        WorkspaceOptions how{.input_gradient = input_gradient,
                             .threads = 1,
                             .fuse = fuse,
                             .frozen = freezes ? first_layer : nullptr};
        Index kept = 0, again = 0;
        const Results expected = two_steps(net, how, fuse, &kept);
        how.recompute = true;
        CHECK(two_steps(net, how, fuse, &again) == expected);
        CHECK(10 * again < 8 * kept);
        how.threads = 3;
        CHECK(two_steps(net, how, fuse) == expected);
      }
}

TEST_CASE("frozen: in front of the first layer that is trained backward does nothing") {
  const auto net = network();
  Index all = 0, part = 0;
  const Results full =
      two_steps(net, {.input_gradient = true, .fuse = false, .frozen = first_layer}, false, &all);
  const Results got = two_steps(net, {.fuse = false, .frozen = first_layer}, false, &part);
  CHECK(part < all);
  std::size_t at = 0;
  for (const auto& values : full)
    if (values.size() != 4 * 3 * 17 * 18 && values.size() != 3 * 3 * 17 * 18)
      CHECK(got.at(at++) == values);
  CHECK(at == got.size());
  // Nothing is trained: backward has nothing to do, and says nothing.
  auto still = net;
  auto w = still.workspace(2, {.frozen = [](std::string_view) { return true; }});
  still.forward(random_tensor<float>(Shape{2, 3, 17, 18}, 1), w);
  w.output_gradient().fill(1.0f);
  still.backward(w);
}

TEST_CASE("backward_from: a value whose gradient nothing needs, and one that is not kept") {
  const auto net = network();
  const auto x = random_tensor<float>(Shape{2, 3, 17, 18}, 1);
  const auto dy = random_tensor<float>(Shape{2, 8, 16, 17}, 2);
  auto part = net.workspace(2, {.fuse = false, .frozen = first_layer});
  net.forward(x, part);
  net.backward_from("conv1", dy, part);  // neither it nor what is in front is trained
  auto again = net.workspace(2, {.fuse = false, .recompute = true});
  net.forward(x, again);
  CHECK_THROWS_WITH_AS(net.backward_from("sigmoid1", dy, again),
                       doctest::Contains("did not keep the output of sigmoid1"), Error);
}

TEST_CASE("forward_after: past frozen layers it reads the input of the forward before it") {
  Rng rng{7};
  const auto net = sequential<float>(Shape{2, 4, 4}, rng, residual(conv2d({.out = 2, .kernel = 1})),
                                     flatten, linear(3));
  auto w = net.workspace(2, {.fuse = false, .frozen = [](std::string_view name) {
                               return name.starts_with("residual1");
                             }});
  auto x = random_tensor<float>(Shape{2, 2, 4, 4}, 1);
  const auto inside = random_tensor<float>(Shape{2, 2, 4, 4}, 2);
  net.forward(x, w, Mode::eval);
  const float expected = net.forward_after("residual1.f.conv1", inside, w, Mode::eval)(0, 0);
  net.forward(x, w, Mode::eval);
  x.fill(1000.0f);
  CHECK(net.forward_after("residual1.f.conv1", inside, w, Mode::eval)(0, 0) == expected);
}

TEST_CASE("recompute: one backward for each forward") {
  auto net = network();
  auto w = net.workspace(2, {.recompute = true});
  const auto x = random_tensor<float>(Shape{2, 3, 17, 18}, 1);
  net.forward(x, w);
  w.output_gradient().fill(1.0f);
  net.backward(w);
  CHECK_THROWS_WITH_AS(net.backward(w), doctest::Contains("expected a forward in this workspace"),
                       Error);
  net.forward(x, w);
  net.backward(w);
  // Everything that can be looked at is kept, whatever is said beside it.
  auto everything = net.workspace(2, {.keep = Keep::everything, .recompute = true});
  net.forward(x, everything);
  everything.output_gradient().fill(1.0f);
  net.backward(everything), net.backward(everything);
}

TEST_CASE("scratch: one memory for the layers of a workspace, another for a copy") {
  auto net = network();
  auto w = net.workspace(2, {.threads = 2, .fuse = false});
  auto& first = w.layer<decltype(net)::index("conv1")>().scratch;
  auto& second = w.layer<decltype(net)::index("conv2")>().scratch;
  CHECK(first.shared() == second.shared());
  auto copy = second;
  CHECK(copy.shared() != second.shared());
  CHECK(copy.flat().size() == second.flat().size());
  auto other = net.workspace(2, w.options());
  CHECK(other.layer<decltype(net)::index("conv1")>().scratch.shared() != first.shared());
}

}  // namespace
}  // namespace recompute_tests
