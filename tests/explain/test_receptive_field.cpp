// SPDX-License-Identifier: MIT
#include "fovea/explain/receptive_field.hpp"

#include "fovea/nn/group_norm.hpp"
#include "support.hpp"
#include "support/course_cnn.hpp"

using namespace test;

namespace {

// Positive weights and inputs, so that no ReLU closes and no two paths cancel.
template <class Net>
void make_positive(Net& net) {
  net.for_each_parameter([](const std::string&, auto& tensor) {
    for (auto& w : tensor) w = 0.1 + std::abs(w);
  });
}

// The pixels that the units (i, j) of all channels of layer `at` depend on, by backprop. A max-pool
// lets only the winner through, so it is the union over N images; a few bright pixels in the dark
// decide who wins, and everyone wins sometimes.
template <class Net>
Tensor<double, 2> support_of(const Net& net, Workspace<Net>& workspace, const std::string& layer,
                             Index i, Index j) {
  const auto y = workspace.activation(layer);
  Tensor<double, 4> dy(as_maps(y).shape());
  for (Index n = 0; n < dy.extent(0); ++n)
    for (Index c = 0; c < dy.extent(1); ++c) dy(n, c, i, j) = 1;
  net.backward_from(layer, {dy.data(), y.extents}, workspace);
  return sum<0, 1>(map(workspace.input_gradient(), [](double g) { return std::abs(g); }));
}

Box box_around(const Tensor<double, 2>& support, bool& full) {
  Index top = support.extent(0), left = support.extent(1), bottom = -1, right = -1, inside = 0;
  for (Index h = 0; h < support.extent(0); ++h)
    for (Index w = 0; w < support.extent(1); ++w)
      if (support(h, w) != 0) {
        top = std::min(top, h), bottom = std::max(bottom, h);
        left = std::min(left, w), right = std::max(right, w);
        ++inside;
      }
  if (bottom < 0) return {};
  full = inside == (bottom - top + 1) * (right - left + 1);
  return {top, left, bottom - top + 1, right - left + 1};
}

// Every unit of every layer. Where dilation leaves holes, only the box around the support can be
// compared. Returns how many units were.
template <class Net>
int compare_with_backprop(Net& net, Index N, bool holes) {
  make_positive(net);
  Tensor<double, 4> x(net.input_shape().prepend(N));
  Rng rng{5};
  for (double& v : x) v = 0.01 + std::pow(rng.uniform(), 12.0);
  auto workspace = net.workspace(N, {.keep = Keep::everything, .input_gradient = true});
  net.forward(x, workspace);
  const auto fields = receptive_fields(net);
  int compared = 0;
  REQUIRE(fields.size() == workspace.plan().layer_count());
  for (const ReceptiveField& field : fields) {
    const auto shape = as_maps(workspace.activation(field.layer)).shape();
    CAPTURE(field.layer);
    CHECK(field.layer ==
          workspace.plan().layer(static_cast<std::size_t>(&field - &fields[0])).path);
    if (field.layer.starts_with("flatten"))
      continue;  // a unit under another name still sees its own patch
    for (Index i = 0; i < shape[2]; ++i)
      for (Index j = 0; j < shape[3]; ++j) {
        CAPTURE(i);
        CAPTURE(j);
        bool full = true;
        const Box found = box_around(support_of(net, workspace, field.layer, i, j), full);
        const Box seen = field.seen(i, j), box = field.box(i, j);
        CHECK(to_string(found) == to_string(seen));
        CHECK((holes || full));
        ++compared;
        // What is seen is in the box.
        CHECK(box.contains(seen.top, seen.left));
        CHECK(box.contains(seen.top + seen.height - 1, seen.left + seen.width - 1));
      }
  }
  return compared;
}

}  // namespace

TEST_CASE("receptive field: the course network") {
  Rng rng{1};
  const auto net = course_cnn<float>(rng);
  const auto fields = receptive_fields(net);
  REQUIRE(fields.size() == 10);
  const Index sizes[] = {3, 3, 4, 8, 8, 10, 28, 28, 28, 28};
  const Index jumps[] = {1, 1, 2, 2, 2, 4, 0, 0, 0, 0};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    CAPTURE(i);
    CHECK(fields[i].size == Extent2{sizes[i]});
    CHECK(fields[i].jump == Extent2{jumps[i]});
    CHECK(fields[i].whole == (i >= 6));
  }
  const auto& conv2 = fields[3];
  CHECK(conv2.start == Extent2{-3});
  CHECK(conv2.centre(0, 0).row == 0.5);
  CHECK(conv2.centre(0, 2).col == 4.5);
  CHECK(conv2.box(5, 6) == Box{7, 9, 8, 8});
  CHECK(conv2.seen(0, 13) == Box{0, 23, 5, 5});
  CHECK(fields[9].seen(0, 0) == Box{0, 0, 28, 28});
  CHECK(field_without_pooling(3, 1) == 3);
  CHECK(field_without_pooling(3, 2) == 5);
}

TEST_CASE("receptive field by backprop: padding and pooling, H != W") {
  Rng rng{2};
  Sequential net{Shape{1, 13, 10},
                 Conv2d<double>{{.in = 1, .out = 3, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{{.kernel = 2}},
                 Conv2d<double>{{.in = 3, .out = 2, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{{.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}},
                 Flatten{},
                 Linear<double>{{.in = 2 * 3 * 4, .out = 3}, rng}};
  CHECK(compare_with_backprop(net, 400, false) == 2 * 130 + 30 + 2 * 30 + 12 + 1);
}

TEST_CASE("receptive field by backprop: strides, dilation, rectangular kernels") {
  Rng rng{3};
  // A stride of 2 leaves the last row out, so that nobody sees it.
  Sequential strided{
      Shape{2, 12, 17}, Conv2d<double>{{.in = 2, .out = 2, .kernel = 3, .stride = {2, 3}}, rng},
      Relu{},
      Conv2d<double>{{.in = 2, .out = 2, .kernel = {3, 4}, .stride = {1, 2}, .padding = {1, 2}},
                     rng},
      Conv2d<double>{{.in = 2, .out = 1, .kernel = 2, .padding = 1}, rng}};
  CHECK(compare_with_backprop(strided, 1, false) > 60);
  CHECK(receptive_fields(strided)[3].size == Extent2{9, 18});
  CHECK(receptive_fields(strided)[0].seen(4, 4) == Box{8, 12, 3, 3});
  CHECK(receptive_fields(strided)[2].seen(4, 1) == Box{6, 0, 5, 12});  // row 11 is never seen

  Sequential dilated{
      Shape{1, 14, 11},
      Conv2d<double>{{.in = 1, .out = 2, .kernel = {3, 2}, .padding = 1, .dilation = {2, 1}}, rng},
      Conv2d<double>{{.in = 2, .out = 2, .kernel = {2, 3}, .padding = {1, 4}, .dilation = {3, 2}},
                     rng}};
  CHECK(compare_with_backprop(dilated, 1, true) > 200);
  CHECK(receptive_fields(dilated)[1].size == Extent2{8, 6});
}

TEST_CASE("receptive field: what is refused, in words") {
  Rng rng{4};
  const auto net = course_cnn<float>(rng);
  const auto fields = receptive_fields(net);
  CHECK(error_of([&] { fields[3].box(14, 0); }) ==
        "conv2: expected a unit in 14 rows and 14 columns, got (14, 0)");
  CHECK(contains(error_of([&] { fields[3].seen(0, -1); }), "got (0, -1)"));

  CHECK(of_layer(fields, "conv2").size == Extent2{8});
  CHECK(contains(error_of([&] { of_layer(fields, "conv3"); }),
                 "there is no layer conv3, only conv1 relu1 pool1 conv2"));
  CHECK(contains(error_of([&] { of_layer(fields, "conv"); }), "there is no layer conv,"));
  const Sequential flat{Shape{3}, Linear<float>{{.in = 3, .out = 2}, rng}};
  CHECK(error_of([&] { receptive_fields(flat); }) ==
        "expected a network that takes images (C, H, W), got one that takes (3)");

  const auto data = synthetic_digits(3);
  CHECK(image_at<double>(data, 2).shape() == Shape{1, 1, 28, 28});
  CHECK(image_at(data, 2)(0, 0, 14, 14) ==
        doctest::Approx((data.images(2, 0, 14, 14) / 255.0 - 0.13) / 0.31));
  CHECK(error_of([&] { image_at(data, 3); }) == "image: expected an index in [0, 3), got 3");
}

namespace {

// The upper half of every map.
struct Half {
  static constexpr std::string_view kind = "half";
  Shape<4> output_shape(Shape<4> x) const { return {x[0], x[1], x[2] / 2, x[3]}; }
  template <class T>
  void forward(View<const T, 4>, View<T, 4>, NoPass&, const Context&) const {}
  template <class T>
  void backward(View<const T, 4>, View<const T, 4>, View<const T, 4>, View<T, 4>, NoPass&,
                const Context&) const {}
};

}  // namespace

TEST_CASE("receptive field by backprop: layers that contain networks") {
  Rng rng{4};
  const auto conv = [&](Index channels, Index kernel, Index padding, Index stride = 1) {
    return Conv2d<double>{
        {.in = channels, .out = 2, .kernel = kernel, .stride = stride, .padding = padding}, rng};
  };
  const Chain pair{conv(2, 3, 1), Relu{}, conv(2, 3, 1)};
  Sequential net{Shape{1, 11, 9}, conv(1, 3, 1), Residual{pair},
                 Residual{Chain{Residual{pair}, conv(2, 1, 0)}}, MaxPool2d{{.kernel = 2}}};
  const auto of = [&](const char* path) { return of_layer(receptive_fields(net), path).size; };
  CHECK(of("residual1") == Extent2{7});
  CHECK(of("residual1.f.conv1") == Extent2{5});
  CHECK(of("residual1.f.conv2") == Extent2{7});
  CHECK(of("residual2.f.residual1.f.conv1") == Extent2{9});
  CHECK(of("residual2") == Extent2{11});
  CHECK(of("pool1") == Extent2{12});
  CHECK(compare_with_backprop(net, 60, false) > 1000);
  CHECK(contains(summary(net),
                 "residual1 (N, 2, 11, 9)                 76           7,128       7 x 7"));

  // Two networks side by side: the union of what both see.
  Sequential two{Shape{2, 11, 9}, Residual{Chain{conv(2, 5, 2, 2)}, Shortcut{conv(2, 1, 0, 2)}},
                 Relu{}, conv(2, 3, 1)};
  CHECK(of_layer(receptive_fields(two), "residual1.shortcut").size == Extent2{1});
  CHECK(of_layer(receptive_fields(two), "residual1").size == Extent2{5});
  CHECK(of_layer(receptive_fields(two), "conv1").size == Extent2{9});
  CHECK(compare_with_backprop(two, 60, false) > 60);
  CHECK(contains(summary(two),
                 "residual1 (N, 2, 6, 5)                 108           3,120       5 x 5"));

  // Layers whose units read whole maps, and what comes after them: all that is before.
  Sequential means{Shape{2, 11, 9},  conv(2, 3, 1, 2),  GroupNorm<double>{{.channels = 2}},
                   conv(2, 1, 0, 2), GlobalAvgPool2d{}, conv(2, 1, 0)};
  CHECK(of_layer(receptive_fields(means), "gn1").seen(0, 1) == Box{0, 0, 11, 9});
  CHECK(of_layer(receptive_fields(means), "globalpool1").seen(0, 0) == Box{0, 0, 11, 9});
  CHECK(compare_with_backprop(means, 60, false) > 60);

  // A layer that changes the extents and has no window(): what it sees is not known, and that is said.
  const Sequential cut{Shape{2, 11, 9}, Half{}, Relu{}, Flatten{}};
  const auto fields = receptive_fields(cut);
  CHECK(!of_layer(fields, "half1").known);
  CHECK(!of_layer(fields, "relu1").known);
  CHECK(
      contains(error_of([&] { fields[1].box(0, 0); }), "relu1: its receptive field is not known"));
  CHECK(contains(summary(cut), "unknown"));
}
