// SPDX-License-Identifier: MIT
#include "explorer/learner.hpp"

#include <chrono>
#include <cmath>

namespace explorer {

using namespace fovea;

namespace {

constexpr std::uint64_t steps_between_tests = 50;
constexpr Index test_batch = 100;

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

std::variant<Sgd<float>, Adam<float>> make_optimizer(const Net& net, const Recipe& r) {
  if (r.optimizer == "adam") return Adam<float>{net, {.learning_rate = r.learning_rate}};
  const double momentum = r.optimizer == "momentum" ? 0.9 : 0;
  return Sgd<float>{net, {.learning_rate = r.learning_rate, .momentum = momentum}};
}

}  // namespace

Recipe Recipe::from(const Json& command) {
  Recipe r;
  r.learning_rate = option(command, "learning_rate", r.learning_rate);
  r.batch_size = option(command, "batch_size", r.batch_size);
  r.optimizer = option(command, "optimizer", r.optimizer);
  r.seed = option(command, "seed", r.seed);
  check(0 <= r.learning_rate && r.learning_rate <= 10,
        "learning rate: expected a number from 0 to 10, found ", r.learning_rate);
  check(1 <= r.batch_size && r.batch_size <= 512, "batch size: expected 1 to 512, found ",
        r.batch_size);
  check(r.optimizer == "adam" || r.optimizer == "sgd" || r.optimizer == "momentum",
        "optimizer: expected adam, momentum or sgd, found ", printable(r.optimizer.substr(0, 40)));
  return r;
}

Learner::Learner(Built built, const Recipe& recipe, Digits& digits)
    : built_(std::move(built)),
      recipe_(recipe),
      digits_(digits),
      optimizer_(make_optimizer(built_.net, recipe)),
      train_space_(built_.net.workspace(recipe.batch_size, {.threads = 1, .seed = recipe.seed})),
      test_space_(built_.net.workspace(test_batch, {.keep = Keep::output, .threads = 1})) {
  check(built_.classes == digits.classes(), "network: expected ", digits.classes(),
        " classes as the images have them, found ", built_.classes);
}

std::uint64_t Learner::epoch() const {
  const auto count = static_cast<std::uint64_t>((digits_.train().size() + recipe_.batch_size - 1) /
                                                recipe_.batch_size);
  return steps_ / count;
}

// The first epoch is in the order of the images, which is a random one: so only those that are
// needed have to be there.
void Learner::begin_epoch() {
  const std::uint64_t e = epoch();
  batches_.emplace(digits_.train(), recipe_.batch_size,
                   BatchOptions{.seed = recipe_.seed, .epoch = e, .shuffle = e > 0, .threads = 1},
                   digits_.augment());
}

void Learner::step() {
  const auto size = static_cast<std::uint64_t>(recipe_.batch_size);
  const auto per_epoch = (static_cast<std::uint64_t>(digits_.train().size()) + size - 1) / size;
  if (steps_ % per_epoch == 0 || !batches_) begin_epoch();
  const auto at = static_cast<Index>(steps_ % per_epoch);
  digits_.need(epoch() > 0 ? digits_.train().size() : (at + 1) * recipe_.batch_size, 0);
  const double start = now();
  const auto batch = (*batches_)[at];
  const auto logits = built_.net.forward(batch.images, train_space_).as<2>();
  const float loss = cross_entropy(logits, batch.labels, train_space_.output_gradient().as<2>());
  check(std::isfinite(loss), "training: expected a finite loss, found ", loss, " in step ",
        steps_ + 1, " (is a learning rate of ", recipe_.learning_rate, " too large?)");
  built_.net.backward(train_space_);
  std::visit(
      [&](auto& optimizer) {
        optimizer.options.learning_rate = recipe_.learning_rate;
        optimizer.step(built_.net, train_space_);
      },
      optimizer_);
  ++steps_;
  losses_.push_back(loss);
  images_ += batch.labels.size();
  seconds_ += now() - start;
  if (seconds_ > 0.5 || (speed_ <= 0 && seconds_ > 0.02)) {
    speed_ = static_cast<double>(images_) / seconds_;
    images_ = 0, seconds_ = 0;
  }
}

void Learner::test_some() {
  if (tested_ < 0) {
    tested_ = right_ = 0;
    tests_in_order_.emplace(digits_.test(), test_batch, BatchOptions{.shuffle = false});
  }
  digits_.need(0, (tested_ + 1) * test_batch);
  const auto batch = (*tests_in_order_)[tested_];
  const auto logits = built_.net.forward(batch.images, test_space_).as<2>();
  for (Index n = 0; n < batch.labels.size(); ++n) right_ += argmax(logits[n]) == batch.labels(n);
  if (++tested_ < tests_in_order_->count()) return;
  accuracy_ = 100 * static_cast<double>(right_) / static_cast<double>(digits_.test().size());
  tests_.emplace_back(steps_, accuracy_);
  tested_ = -1;
}

void Learner::work(double milliseconds, std::uint64_t until) {
  const double end = now() + milliseconds / 1000;
  do {
    if (tested_ >= 0) {
      test_some();
    } else if (steps_ < until) {
      step();
      if (steps_ % steps_between_tests == 0) test_some();
    } else {
      break;
    }
  } while (now() < end);
}

void Learner::finish_test() {
  if (tests_.empty() || tests_.back().first != steps_ || accuracy_ < 0) test_some();
  while (tested_ >= 0) test_some();
}

std::string Learner::hash() const {
  std::uint64_t h = 0xcbf29ce484222325u;
  built_.net.for_each_state([&](const std::string&, const AnyView<const float>& x) {
    for (Index i = 0; i < x.extents.size(); ++i)
      h = (h ^ detail::bit_cast<std::uint32_t>(x.data[i])) * 0x100000001b3u;
  });
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; h >>= 4) text[i] = "0123456789abcdef"[h & 15];
  return text;
}

}  // namespace explorer
