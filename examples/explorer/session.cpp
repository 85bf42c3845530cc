// SPDX-License-Identifier: MIT
#include "explorer/session.hpp"

#include <map>

#include "fovea/io/model_file.hpp"

namespace explorer {

using namespace fovea;

namespace {

constexpr Index drawn_to_train = 8000, drawn_to_test = 1000;

std::vector<std::string> ten_digits() {
  std::vector<std::string> names;
  for (int k = 0; k < 10; ++k) names.push_back(std::to_string(k));
  return names;
}

// A value that is not finite has no place in JSON.
Json number(double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); }

}  // namespace

Session::Session() : pixels_(Shape{28, 28}), class_names_(ten_digits()) {
  begin(std::make_unique<Digits>(Digits::drawn(drawn_to_train, drawn_to_test, 1)), preset("course"),
        {});
}

Reply Session::answer(const Json& command, Bytes bytes) {
  check(command.is_object(), "command: expected an object, found something else");
  const auto what = needed<std::string>(command, "do");
  if (what == "train") return train(command);
  if (what == "status") return status(command);
  if (what == "open") return open(command, bytes);
  if (what == "anatomy") return anatomy();
  if (what == "draw") return draw(command, bytes);
  if (what == "example") return example(command);
  if (what == "maps") return maps();
  if (what == "nearest") return nearest();
  if (what == "unit") return unit(command);
  if (what == "attribution") return attribution(command);
  if (what == "wants") return wants(command);
  if (what == "strongest") return strongest(command);
  if (what == "prototypes") return prototypes();
  if (what == "spoil") return spoil(command);
  if (what == "smallest") return smallest(command);
  if (what == "convolve") return convolve(command);
  if (what == "tiny") return tiny(command);
  if (what == "own_add") return own_add(command, bytes);
  if (what == "own_remove") return own_remove(command);
  if (what == "own_train") return own_train(command);
  if (what == "contest") return contest(command);
  if (what == "contest_train") return contest_train(command);
  if (what == "save") return save();
  if (what == "load") return load(command, bytes);
  fail("command: expected one that there is, found ", printable(what.substr(0, 40)));
}

void Session::begin(std::unique_ptr<Digits> digits, const Json& layers, const Recipe& recipe) {
  auto learner =
      std::make_unique<Learner>(build(layers, digits->classes(), recipe.seed), recipe, *digits);
  take(std::move(learner));
  digits_ = std::move(digits);
}

void Session::take(std::unique_ptr<Learner> learner) {
  learner_ = std::move(learner);
  fields_ = receptive_fields(net());
  looking_.emplace(net().workspace(1, {.keep = Keep::everything,
                                       .input_gradient = true,
                                       .parameter_gradients = false,
                                       .threads = 1}));
}

// Starts over: data "drawn" or "here" (what is there), or "idx" with two files, images and labels,
// one after the other; layers; recipe; "label_noise".
Reply Session::open(const Json& command, Bytes bytes) {
  const Recipe recipe = Recipe::from(command);
  const auto data = option<std::string>(command, "data", "here");
  const auto preset_name = option<std::string>(command, "preset", "");
  const Json layers = command.contains("layers") ? command["layers"]
                      : preset_name.empty()      ? learner_->built().layers
                                                 : preset(preset_name);
  std::unique_ptr<Digits> digits;
  if (data == "here") {
    digits = std::make_unique<Digits>(*digits_);
  } else if (data == "drawn") {
    digits = std::make_unique<Digits>(
        Digits::drawn(option<Index>(command, "train", drawn_to_train), drawn_to_test, recipe.seed));
  } else if (data == "idx") {
    const auto first = needed<std::size_t>(command, "images_bytes");
    check(first <= bytes.size(), "the files: expected ", first, " bytes, found ", bytes.size());
    digits = std::make_unique<Digits>(Digits::from_idx(bytes.first(first), bytes.subspan(first),
                                                       option<Index>(command, "test", 1000)));
  } else {
    fail("data: expected here, drawn or idx, found ", printable(data.substr(0, 40)));
  }
  digits->spoil_labels(option(command, "label_noise", 0.0), recipe.seed);
  begin(std::move(digits), layers, recipe);
  if (data != "here") class_names_ = ten_digits();
  return anatomy();
}

Reply Session::train(const Json& command) {
  if (command.contains("learning_rate"))
    learner_->recipe().learning_rate = Recipe::from(command).learning_rate;
  const auto until = option<std::uint64_t>(command, "until", ~std::uint64_t{0});
  if (until > learner_->steps()) digits_->check_images();
  learner_->work(option(command, "milliseconds", 40.0), until);
  if (option(command, "test", false)) learner_->finish_test();
  return status(command);
}

// Where training is, losses and tests since the numbers of them that the page has, the first
// layer's filters, and what the network says to the drawing.
Reply Session::status(const Json& command) {
  const Learner& l = *learner_;
  Reply reply;
  const auto& losses = l.losses();
  const auto seen =
      std::min(option<std::size_t>(command, "losses_seen", losses.size()), losses.size());
  reply.text = {{"step", l.steps()},
                {"epoch", l.epoch()},
                {"images", static_cast<std::uint64_t>(l.recipe().batch_size) * l.steps()},
                {"loss", losses.empty() ? Json(nullptr) : number(double(losses.back()))},
                {"accuracy", l.accuracy()},
                {"images_per_second", l.images_per_second()},
                {"hash", l.hash()},
                {"testing", l.testing()},
                {"learning_rate", l.recipe().learning_rate},
                {"tests", l.tests()}};
  reply.text["losses"] =
      reply.place(std::vector<float>(losses.begin() + std::ptrdiff_t(seen), losses.end()));
  reply.text["losses_before"] = seen;
  net().for_each_state([&](const std::string& name, const AnyView<float>& x) {
    if (!reply.text.contains("filters") && name.ends_with(".weight"))
      reply.text["filters"] = {{"name", name}, {"weight", reply.place(AnyView<const float>(x))}};
  });
  const auto logits = logits_of(drawing());
  reply.text["logits"] = reply.place(logits);
  reply.text["probabilities"] = reply.place(softmax(logits));
  return reply;
}

// What does not change while the network trains: layers, shapes, parameters, receptive fields.
Reply Session::anatomy() {
  Reply reply = status(Json::object());
  Json layers = Json::array();
  std::map<std::string, Index> parameters;
  net().for_each_parameter([&](const std::string& name, const AnyView<float>& x) {
    parameters[name.substr(0, name.rfind('.'))] += x.extents.size();
  });
  const auto& plan = looking_->plan();
  for (std::size_t k = 0; k < plan.layer_count(); ++k) {
    const auto& layer = plan.layer(k);
    const Extents e = plan.value(k + 1).extents;
    const ReceptiveField& f = fields_[k];
    layers.push_back({{"layer", layer.path},
                      {"shape", std::vector<Index>(e.at.begin() + 1, e.at.begin() + long(e.rank))},
                      {"parameters", parameters[layer.path]},
                      {"multiply_adds", layer.multiply_adds},
                      {"sees", {f.size.h, f.size.w}},
                      {"whole", f.whole},
                      {"inputs", layer.inputs}});
  }
  reply.text["layers"] = std::move(layers);
  reply.text["list"] = learner_->built().layers;
  reply.text["parameters"] = net().parameter_count();
  reply.text["multiply_adds"] = multiply_adds(net());
  reply.text["classes"] = class_names_;
  reply.text["data"] = digits_->train().name;
  reply.text["train_size"] = digits_->train().size();
  reply.text["test_size"] = digits_->test().size();
  Json all = Json::object();
  for (const std::string& name : presets()) all[name] = preset(name);
  reply.text["presets"] = std::move(all);
  return reply;
}

// model.safetensors, with PyTorch's names; `mnist_predict` reads it where the network is the course's.
Reply Session::save() {
  Tensor<float, 4> x(Shape{1, 1, 28, 28});
  Rng rng{0};
  for (float& value : x) value = static_cast<float>(rng.below(17)) / 8 - 1;
  const auto logits = net().predict<2>(as_const(x).view(), 1);
  Safetensors file;
  const auto list = [](const auto& numbers) {
    return Json(std::vector<double>(numbers.begin(), numbers.end())).dump();
  };
  file.metadata = {{"format", "pt"},
                   {"architecture", learner_->built().architecture},
                   {"selftest.input", list(x)},
                   {"selftest.logits", list(logits)},
                   {"input.mean", Json(double(digits_->scaling().mean)).dump()},
                   {"input.std", Json(double(digits_->scaling().std)).dump()},
                   {"explorer.layers", learner_->built().layers.dump()},
                   {"explorer.classes", Json(class_names_).dump()}};
  store_state(net(), file.tensors);
  Reply reply;
  reply.bytes = encode_safetensors(file);
  reply.text["name"] = "model.safetensors";
  return reply;
}

// A file of save(), or one with the tensors of the course network from anywhere. All or nothing.
Reply Session::load(const Json& command, Bytes bytes) {
  const auto name = printable(option<std::string>(command, "name", "the file").substr(0, 80));
  Safetensors file = parse_safetensors(bytes, name);
  const auto text = [&](const char* key) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) return Json();
    Json json = Json::parse(found->second, nullptr, false);
    check(!json.is_discarded(), name, ": expected JSON for ", key, ", found something else");
    return json;
  };
  Json layers = text("explorer.layers");
  const Json classes = text("explorer.classes");
  if (layers.is_null()) layers = preset("course");
  std::vector<std::string> class_names = ten_digits();
  if (!classes.is_null()) {
    check(classes.is_array() && classes.size() >= 2 && classes.size() <= 20, name,
          ": expected 2 to 20 names of classes, found something else");
    class_names.clear();
    for (const Json& one : classes)
      class_names.push_back(one.is_string() ? printable(one.get<std::string>().substr(0, 24))
                                            : "?");
  }
  Built built = build(layers, std::ssize(class_names), 1);
  const StateReport report = take_state(std::move(file.tensors), built.net, name);
  check(report.complaint().empty(), name, ": expected the tensors of this network, found ",
        report.complaint());

  // The images at hand are those it goes on with, unless its classes are others.
  const bool same_classes = std::ssize(class_names) == digits_->classes();
  auto digits = same_classes ? std::make_unique<Digits>(*digits_)
                             : std::make_unique<Digits>(Digits::none(std::ssize(class_names)));
  auto learner = std::make_unique<Learner>(std::move(built), learner_->recipe(), *digits);
  take(std::move(learner));
  digits_ = std::move(digits);
  class_names_ = std::move(class_names);
  return anatomy();
}

}  // namespace explorer
