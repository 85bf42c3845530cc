// SPDX-License-Identifier: MIT
//
// Looking: one unit with everything it is made of, what the answer rests on, what a filter wants to see.
#include <numeric>

#include "explorer/session.hpp"
#include "fovea/explain/attribution.hpp"
#include "fovea/explain/faithfulness.hpp"
#include "fovea/explain/grad_cam.hpp"
#include "fovea/explain/gradients.hpp"
#include "fovea/explain/occlusion.hpp"
#include "fovea/explain/patches.hpp"
#include "fovea/explain/prototypes.hpp"

namespace explorer {

using namespace fovea;

namespace {

// "conv" of "residual1.f.conv2".
std::string kind_of(std::string_view path) {
  path.remove_prefix(path.rfind('.') == path.npos ? 0 : path.rfind('.') + 1);
  while (!path.empty() && path.back() >= '0' && path.back() <= '9') path.remove_suffix(1);
  return std::string(path);
}

// A parameter of a layer, all its numbers; empty if it has none of that name.
AnyView<const float> parameter(const Net& net, std::string_view path, const char* name) {
  AnyView<const float> found;
  net.for_each_state([&](const std::string& full, const AnyView<const float>& x) {
    if (full == concat(path, ".", name)) found = x;
  });
  return found;
}

Json box_of(const Box& b) { return {b.top, b.left, b.height, b.width}; }

}  // namespace

// Unit (map, row, col) of a layer: what it sees of the drawing, its value, and the sum that it is,
// number by number.
Reply Session::unit(const Json& command) {
  const auto path = needed<std::string>(command, "layer");
  const Image image = drawing();
  logits_of(image);
  const auto& plan = looking_->plan();
  std::size_t k = 0;
  while (k < plan.layer_count() && plan.layer(k).path != path) ++k;
  check(k < plan.layer_count(), "unit: expected a layer of this network, found ", printable(path));
  const auto y = as_maps(AnyView<const float>(plan.value(k + 1)))[0];
  const Index c = option<Index>(command, "map", 0), i = option<Index>(command, "row", 0),
              j = option<Index>(command, "col", 0);
  check(0 <= c && c < y.extent(0) && 0 <= i && i < y.extent(1) && 0 <= j && j < y.extent(2), path,
        ": expected a unit inside of ", y.shape(), ", found (", c, ", ", i, ", ", j, ")");
  const ReceptiveField& field = fields_[k];
  Reply reply;
  Json& text = reply.text;
  const std::string kind = kind_of(path);
  text = {{"layer", path}, {"kind", kind}, {"value", y(c, i, j)}, {"step", learner_->steps()}};
  if (field.known) {
    // Of a unit that reads whole maps, unit (0, 0) of the last maps stands for all of them.
    text["seen"] = box_of(field.whole ? field.seen(0, 0) : field.seen(i, j));
    if (!field.whole) text["box"] = box_of(field.box(i, j));
  }
  const std::size_t from = plan.layer(k).inputs.front();
  const auto x = from == 0 ? image.view()[0] : as_maps(AnyView<const float>(plan.value(from)))[0];
  text["from"] = from == 0 ? "drawing" : plan.layer(from - 1).path;
  if (kind == "conv") {
    const auto weight = parameter(net(), path, "weight").as<4>();
    const auto bias = parameter(net(), path, "bias");
    const Window w = *plan.layer(k).window;
    const Index C = weight.extent(1), K = weight.extent(2);
    Tensor<float, 3> window(Shape{C, K, K}), products(Shape{C, K, K});
    std::vector<double> by_channel;
    double sum = bias.empty() ? 0 : double(bias.data[c]);
    for (Index channel = 0; channel < C; ++channel) {
      double part = 0;
      for (Index p = 0; p < K; ++p)
        for (Index q = 0; q < K; ++q) {
          const Index row = i * w.stride.h - w.padding.h + p * w.dilation.h,
                      col = j * w.stride.w - w.padding.w + q * w.dilation.w;
          const bool inside = 0 <= row && row < x.extent(1) && 0 <= col && col < x.extent(2);
          window(channel, p, q) = inside ? x(channel, row, col) : 0;
          products(channel, p, q) = window(channel, p, q) * weight(c, channel, p, q);
          part += double(products(channel, p, q));
        }
      by_channel.push_back(part);
      sum += part;
    }
    text["window"] = reply.place(window);
    text["kernel"] = reply.place(weight[c]);
    text["products"] = reply.place(products);
    text["by_channel"] = by_channel;
    text["bias"] = bias.empty() ? 0.0f : bias.data[c];
    text["sum"] = sum;
    text["at"] = {i * w.stride.h - w.padding.h, j * w.stride.w - w.padding.w};
  } else if (kind == "fc") {
    const auto weight = parameter(net(), path, "weight").as<2>();
    const auto bias = parameter(net(), path, "bias");
    std::vector<double> product;
    double sum = bias.empty() ? 0 : double(bias.data[c]);
    for (Index f = 0; f < weight.extent(1); ++f) {
      product.push_back(double(weight(c, f)) * double(x.data()[f]));
      sum += product.back();
    }
    std::vector<Index> order(product.size());
    std::iota(order.begin(), order.end(), Index{0});
    const auto most = std::min<std::ptrdiff_t>(10, std::ssize(order));
    std::partial_sort(order.begin(), order.begin() + most, order.end(), [&](Index a, Index b) {
      return std::abs(product[std::size_t(a)]) > std::abs(product[std::size_t(b)]);
    });
    // A feature that was a unit of maps before it was flattened says which.
    std::size_t origin = from;
    while (origin > 0 && plan.layer(origin - 1).is_view) origin = plan.layer(origin - 1).inputs[0];
    const Extents maps = plan.value(origin).extents;
    Json largest = Json::array();
    for (std::ptrdiff_t t = 0; t < most; ++t) {
      const Index f = order[std::size_t(t)];
      Json one{{"feature", f},
               {"input", x.data()[f]},
               {"weight", weight(c, f)},
               {"product", product[std::size_t(f)]}};
      if (maps.rank == 4) {
        const Index area = maps.at[2] * maps.at[3];
        one["unit"] = {f / area, f % area / maps.at[3], f % maps.at[3]};
        one["layer"] = origin == 0 ? "drawing" : plan.layer(origin - 1).path;
      }
      largest.push_back(one);
    }
    text["largest"] = largest;
    text["inputs"] = product.size();
    text["bias"] = bias.empty() ? 0.0f : bias.data[c];
    text["sum"] = sum;
  } else if (kind == "pool") {
    const Window w = *plan.layer(k).window;
    Tensor<float, 2> window(Shape{w.kernel.h, w.kernel.w});
    for (Index p = 0; p < w.kernel.h; ++p)
      for (Index q = 0; q < w.kernel.w; ++q) {
        const Index row = i * w.stride.h - w.padding.h + p, col = j * w.stride.w - w.padding.w + q;
        const bool inside = 0 <= row && row < x.extent(1) && 0 <= col && col < x.extent(2);
        window(p, q) = inside ? x(c, row, col) : -std::numeric_limits<float>::infinity();
      }
    text["window"] = reply.place(window);
  } else if (x.shape() == y.shape()) {
    text["input"] = x(c, i, j);
  }
  return reply;
}

// What the answer "class" rests on (none: the network's own answer), and whether the map is true:
// deletion and insertion beside the drawing's own brightness and a random order of its pixels.
Reply Session::attribution(const Json& command) {
  const auto method = needed<std::string>(command, "method");
  const Image image = drawing();
  const Index k = option<Index>(command, "class", argmax(logits_of(image)[0]));
  Image black(image.shape());
  black.fill(static_cast<float>(digits_->scaling().to_input(0, 0)));
  Reply reply;
  Attribution<float> map;
  if (method == "saliency") {
    map = gradient_map(net(), image, k, {.threads = 1});
  } else if (method == "smooth_grad") {
    map = smooth_grad(net(), image, k, {.samples = 32, .threads = 1});
  } else if (method == "integrated_gradients") {
    auto ig = integrated_gradients(
        net(), image, k, {.steps = 32, .max_steps = 256, .baseline = black, .threads = 1});
    reply.text["residual"] = ig.residual;
    map = std::move(ig);
  } else if (method == "grad_cam") {
    const auto& plan = looking_->plan();
    std::string layer = option<std::string>(command, "layer", "");
    for (std::size_t v = 1; v <= plan.layer_count() && layer.empty(); ++v) {
      // The last maps that a linear layer or an average over all places reads.
      const std::size_t last = plan.layer_count() - v;
      const Extents e = plan.value(last + 1).extents;
      if (e.rank == 4 && e.at[2] > 1 && !plan.layer(last).is_view) layer = plan.layer(last).path;
    }
    check(!layer.empty(),
          "Grad-CAM: expected a network with maps, found one of linear layers alone");
    map = grad_cam(net(), image, k, {.layer = layer, .threads = 1});
    reply.text["layer"] = layer;
  } else if (method == "occlusion") {
    map = occlusion(net(), image, k, {.window = 5, .stride = 2, .baseline = black, .threads = 1});
  } else {
    fail(
        "attribution: expected saliency, smooth_grad, integrated_gradients, grad_cam or "
        "occlusion, found ",
        printable(method.substr(0, 40)));
  }
  reply.text["class"] = k;
  reply.text["step"] = learner_->steps();
  reply.text["map"] = reply.place(map.places());
  if (option(command, "faithfulness", true)) {
    const FaithfulnessOptions<float> o{.steps = 28, .baseline = black, .threads = 1};
    const auto judge = [&](const char* name, const Attribution<float>& order) {
      const auto deletion = deletion_curve(net(), image, k, order, o),
                 insertion = insertion_curve(net(), image, k, order, o);
      reply.text["faithfulness"][name] = {{"deletion", deletion.area()},
                                          {"insertion", insertion.area()},
                                          {"deletion_curve", deletion.probability},
                                          {"insertion_curve", insertion.probability}};
    };
    judge("map", map);
    judge("brightness", brightness_map(image, black));
    judge("random", random_stroke_map(image, black, 1));
  }
  return reply;
}

// An image that excites the unit in the middle of one map of a layer: from grey, its value climbs in the
// pixels, as explain/prototypes.hpp does for a class. What the unit cannot see stays grey.
Reply Session::wants(const Json& command) {
  const auto layer = needed<std::string>(command, "layer");
  const Index c = option<Index>(command, "map", 0);
  const Scaling& scaling = digits_->scaling();
  Image pixels(Shape{1, 1, 28, 28}), x(pixels.shape());
  Rng rng{1, c};
  for (float& p : pixels) p = static_cast<float>(rng.uniform(0.45, 0.55));
  const auto scaled = [&] {
    std::transform(pixels.begin(), pixels.end(), x.begin(),
                   [&](float p) { return static_cast<float>(scaling.to_input(double(p), 0)); });
  };
  scaled();
  logits_of(x);
  const AnyView<const float> value = looking_->activation(layer);
  const auto shape = as_maps(value).shape();
  check(0 <= c && c < shape[1], layer, ": expected a map below ", shape[1], ", found ", c);
  const Index i = shape[2] / 2, j = shape[3] / 2, at = (c * shape[2] + i) * shape[3] + j;
  const auto value_of = [&] { return looking_->activation(layer).data[at]; };
  const float before = value_of();
  std::vector<float> dy(static_cast<std::size_t>(value.extents.size()), 0.0f);
  dy[static_cast<std::size_t>(at)] = 1;
  constexpr int steps = 60;
  for (int t = 0; t < steps; ++t) {
    net().backward_from(layer, AnyView<const float>(dy.data(), value.extents), *looking_);
    const auto g = looking_->input_gradient().as<4>();
    double squares = 0;
    for (const float d : g) squares += double(d) * double(d);
    const double rms = std::sqrt(squares / double(g.size()));
    if (!(rms > 0)) break;  // nothing of it is alive here
    for (Index p = 0; p < pixels.size(); ++p)
      if (!exactly_equal(g.data()[p], 0))
        pixels.data()[p] = std::clamp(
            0.99f * pixels.data()[p] + static_cast<float>(0.06 / rms) * g.data()[p], 0.0f, 1.0f);
    if (t % 4 == 3 && t < steps - 8) detail::blur_plane(pixels[0][0]);
    scaled();
    logits_of(x);
  }
  Reply reply;
  reply.text = {{"before", before}, {"after", value_of()}, {"layer", layer}, {"map", c}};
  for (const ReceptiveField& field : fields_)
    if (field.layer == layer && field.known)
      reply.text["seen"] = box_of(field.whole ? field.seen(0, 0) : field.seen(i, j));
  reply.text["image"] = reply.place(pixels[0][0]);
  return reply;
}

// The parts of training images that excite one map of a layer most.
Reply Session::strongest(const Json& command) {
  constexpr Index looked_at = 400;
  digits_->need(looked_at, 0);
  const auto layer = needed<std::string>(command, "layer");
  const Index c = option<Index>(command, "map", 0);
  const Dataset data = digits_->train().part(0, std::min(looked_at, digits_->train().size()));
  const auto all = top_patches(net(), data, {.layer = layer, .count = 6, .threads = 1});
  check(0 <= c && c < std::ssize(all), layer, ": expected a map below ", all.size(), ", found ", c);
  Reply reply;
  Json patches = Json::array();
  for (const Patch& p : all[static_cast<std::size_t>(c)])
    patches.push_back({{"number", p.image},
                       {"activation", p.activation},
                       {"box", box_of(p.box)},
                       {"label", class_names_.at(static_cast<std::size_t>(data.labels(p.image)))},
                       {"image", reply.place(data.images[p.image][0])}});
  reply.text["patches"] = patches;
  reply.text["of"] = data.size();
  return reply;
}

// The image that the network takes for most of each class.
Reply Session::prototypes() {
  const Index K = digits_->classes();
  Tensor<Label, 1> classes(Shape{K});
  std::iota(classes.begin(), classes.end(), Label{0});
  const auto result = fovea::prototypes(net(), as_const(classes).view(), digits_->scaling(),
                                        {.steps = 64, .rate = 0.08, .threads = 1});
  Reply reply;
  reply.text["images"] = reply.place(result.images);
  reply.text["probabilities"] = reply.place(result.probabilities);
  reply.text["classes"] = class_names_;
  return reply;
}

}  // namespace explorer
