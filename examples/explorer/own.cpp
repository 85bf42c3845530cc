// SPDX-License-Identifier: MIT
//
// Own classes, and networks side by side on the same images.
#include "explorer/session.hpp"
#include "fovea/data/fit_digit.hpp"

namespace explorer {

using namespace fovea;

namespace {

constexpr std::size_t most_classes = 10, most_drawings = 100;

}  // namespace

// The drawing in `bytes` becomes one more of class "class".
Reply Session::own_add(const Json& command, Bytes bytes) {
  const auto k = needed<std::size_t>(command, "class");
  check(k < most_classes, "own classes: expected at most ", most_classes, ", found number ", k + 1);
  check(own_.size() <= k || own_[k].size() < most_drawings, "own classes: expected at most ",
        most_drawings, " drawings of each");
  const auto height = needed<Index>(command, "height"), width = needed<Index>(command, "width");
  check(1 <= height && height <= 2048 && 1 <= width && width <= 2048 &&
            static_cast<std::size_t>(height * width) == bytes.size(),
        "drawing: expected height x width bytes, found ", height, " x ", width, " and ",
        bytes.size(), " bytes");
  check(std::any_of(bytes.begin(), bytes.end(), [](int byte) { return byte > 40; }),
        "drawing: expected a symbol, found nothing drawn");
  auto image = fit_digit({bytes.data(), Shape{height, width}}, "drawing");
  if (own_.size() <= k) own_.resize(k + 1);
  own_[k].push_back(std::move(image));
  Reply reply;
  reply.text["count"] = own_[k].size();
  reply.text["image"] = reply.place(own_[k].back());
  return reply;
}

// The drawings of class "class" go; of all classes without one.
Reply Session::own_remove(const Json& command) {
  if (command.contains("class")) {
    const auto k = needed<std::size_t>(command, "class");
    if (k < own_.size()) own_[k].clear();
  } else {
    own_.clear();
  }
  return {};
}

// Starts over with these classes, "names", one for each.
Reply Session::own_train(const Json& command) {
  const auto names = needed<Json>(command, "names");
  check(names.is_array() && names.size() >= 2 && names.size() <= most_classes,
        "own classes: expected 2 to ", most_classes, " names, found ", names.size());
  std::vector<std::string> all;
  for (const Json& name : names) {
    check(name.is_string(), "own classes: expected names, found ", name.dump().substr(0, 40));
    all.push_back(printable(name.get<std::string>().substr(0, 24)));
  }
  auto images = own_;
  images.resize(all.size());
  const Recipe recipe = Recipe::from(command);
  auto digits = std::make_unique<Digits>(Digits::own(images, 640, recipe.seed));
  begin(std::move(digits), command.contains("layers") ? command["layers"] : preset("course"),
        recipe);
  class_names_ = std::move(all);
  return anatomy();
}

// "networks": {name, layers} for each, the same images in the same order for all.
Reply Session::contest(const Json& command) {
  const auto networks = needed<Json>(command, "networks");
  check(networks.is_array() && networks.size() <= 6, "networks: expected at most 6, found ",
        networks.is_array() ? concat(networks.size()) : "something else");
  if (!networks.empty()) digits_->check_images();
  const Recipe recipe = Recipe::from(command);
  auto digits = std::make_unique<Digits>(*digits_);
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<std::string> names;
  Reply reply;
  Json all = Json::array();
  for (const Json& one : networks) {
    Built built = build(needed<Json>(one, "layers"), digits->classes(), recipe.seed);
    const auto fields = receptive_fields(built.net);
    // What a unit of the last maps sees, or the whole image where there are none.
    Index sees = 28;
    for (const ReceptiveField& f : fields)
      if (!f.whole && f.known) sees = f.size.h;
    names.push_back(printable(option<std::string>(one, "name", "network").substr(0, 40)));
    all.push_back({{"name", names.back()},
                   {"parameters", built.net.parameter_count()},
                   {"multiply_adds", multiply_adds(built.net)},
                   {"sees", sees}});
    learners.push_back(std::make_unique<Learner>(std::move(built), recipe, *digits));
  }
  contest_ = std::move(learners);
  contest_names_ = std::move(names);
  contest_digits_ = std::move(digits);
  reply.text["networks"] = all;
  return reply;
}

// Every network, the one with the fewest steps first, for "milliseconds" in all.
Reply Session::contest_train(const Json& command) {
  const auto until = option<std::uint64_t>(command, "until", 400);
  double left = option(command, "milliseconds", 40.0);
  for (; left > 0 && !contest_.empty(); left -= 10) {
    const auto next =
        std::min_element(contest_.begin(), contest_.end(),
                         [](const auto& a, const auto& b) { return a->steps() < b->steps(); });
    if ((*next)->steps() >= until) {
      for (auto& learner : contest_) learner->finish_test();
      break;
    }
    (*next)->work(10, std::min(until, (*next)->steps() + 10));
  }
  Reply reply;
  Json all = Json::array();
  bool done = true;
  for (std::size_t i = 0; i < contest_.size(); ++i) {
    const Learner& l = *contest_[i];
    const bool tested = !l.tests().empty() && l.tests().back().first == l.steps();
    done = done && l.steps() >= until && tested;
    all.push_back({{"name", contest_names_[i]},
                   {"step", l.steps()},
                   {"accuracy", l.accuracy()},
                   {"images_per_second", l.images_per_second()},
                   {"hash", l.hash()},
                   {"tests", l.tests()}});
  }
  reply.text["networks"] = all;
  reply.text["done"] = done;
  return reply;
}

}  // namespace explorer
