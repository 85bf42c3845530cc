// SPDX-License-Identifier: MIT
//
// Breaking: the drawing shifted, turned, in noise and fog, behind a square, or attacked, and the smallest
// change that turns the answer.
#include "explorer/session.hpp"
#include "fovea/explain/attacks.hpp"
#include "fovea/explain/corruptions.hpp"

namespace explorer {

using namespace fovea;

namespace {

using Pixels = Tensor<float, 3>;  // (1, 28, 28), in [0, 1]

// One change of the pixels by this amount; 0 is none.
Pixels changed(const Pixels& pixels, const std::string& kind, double amount) {
  if (exactly_equal(amount, 0)) return pixels;
  const auto corruption = [&] {
    if (kind == "shift_x") return corruption::translation(amount, 0);
    if (kind == "shift_y") return corruption::translation(0, amount);
    if (kind == "rotate") return corruption::rotation(amount);
    if (kind == "noise") return corruption::gaussian_noise(amount);
    if (kind == "fog") return corruption::fog(amount);
    if (kind == "hide") {
      const Index side = std::clamp<Index>(static_cast<Index>(amount), 1, 28);
      return corruption::cutout_at((28 - side) / 2, (28 - side) / 2, side);
    }
    fail("change: expected shift_x, shift_y, rotate, noise, fog or hide, found ", printable(kind));
  }();
  Pixels result(pixels.shape());
  corruption.apply(pixels, result, Rng{1, 0});
  return result;
}

// Where the search for the smallest change ends, and how finely it looks.
struct Ladder {
  double most, step;
};
Ladder ladder_of(const std::string& kind) {
  if (kind == "shift_x" || kind == "shift_y") return {12, 0.5};
  if (kind == "rotate") return {180, 3};
  if (kind == "noise") return {1, 0.02};
  if (kind == "fog") return {6, 0.1};
  if (kind == "hide") return {28, 1};
  if (kind == "fgsm") return {1, 0.01};
  return {0.5, 0.01};  // pgd
}

}  // namespace

// The drawing after the changes of the command, in this order: hide, shift, rotate, fog, noise, and then
// "attack" (fgsm or pgd) of radius "epsilon" away from the answer to it.
Reply Session::spoil(const Json& command) {
  const Scaling& scaling = digits_->scaling();
  const Image image = drawing();
  const Index answer = argmax(logits_of(image)[0]);
  Pixels pixels(Shape{1, 28, 28});
  std::transform(pixels_.begin(), pixels_.end(), pixels.begin(),
                 [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
  const Pixels before = pixels;
  for (const char* kind : {"hide", "shift_x", "shift_y", "rotate", "fog", "noise"})
    pixels = changed(pixels, kind, option(command, kind, 0.0));
  Image x(image.shape());
  std::transform(pixels.begin(), pixels.end(), x.begin(),
                 [&](float p) { return static_cast<float>(scaling.to_input(double(p), 0)); });
  const auto attack = option<std::string>(command, "attack", "none");
  const double epsilon = option(command, "epsilon", 0.0);
  if (attack != "none" && epsilon > 0) {
    check(attack == "fgsm" || attack == "pgd", "attack: expected none, fgsm or pgd, found ",
          printable(attack.substr(0, 40)));
    auto options = attack == "fgsm" ? fgsm(epsilon) : pgd(epsilon);
    options.threads = 1;
    const Tensor<Label, 1> label(Shape{1}, static_cast<Label>(argmax(logits_of(x)[0])));
    Attack<Net> make_worse(net(), 1, scaling, options);
    const auto worse = make_worse(net(), as_const(x).view(), as_const(label).view());
    std::copy(worse.begin(), worse.end(), x.begin());
    std::transform(x.begin(), x.end(), pixels.begin(), [&](float value) {
      return static_cast<float>(std::clamp(scaling.to_pixel(double(value), 0), 0.0, 1.0));
    });
  }
  const auto logits = logits_of(x);
  Reply reply;
  reply.text["answer_before"] = answer;
  reply.text["answer"] = argmax(logits[0]);
  reply.text["probabilities"] = reply.place(softmax(logits));
  reply.text["image"] = reply.place(pixels[0]);
  reply.text["difference"] = reply.place(pixels[0] - before[0]);
  return reply;
}

// The smallest amount of one "kind" of change at which the answer is another, both ways for shifts and
// rotations, on a ladder of fixed steps; none within its reach: "amount" is null.
Reply Session::smallest(const Json& command) {
  const auto kind = needed<std::string>(command, "kind");
  const bool attack = kind == "fgsm" || kind == "pgd";
  const bool both_ways = kind == "shift_x" || kind == "shift_y" || kind == "rotate";
  if (!attack) changed(Pixels(Shape{1, 28, 28}), kind, 1);  // throws on another kind
  const auto [most, step] = ladder_of(kind);
  Reply reply;
  const auto tried = [&](double amount) {
    const Json one = attack ? Json{{"attack", kind}, {"epsilon", amount}} : Json{{kind, amount}};
    reply = spoil(one);
    return reply.text["answer"] != reply.text["answer_before"];
  };
  // Attacks reach further with every larger radius, but for chance, so halves will do.
  if (attack) {
    double low = 0, high = most;
    bool found = tried(most);
    for (int t = 0; t < 7 && found; ++t) {
      const double middle = (low + high) / 2;
      if (tried(middle))
        high = middle;
      else
        low = middle;
    }
    if (found) found = tried(high);
    reply.text["amount"] = found ? Json(high) : Json(nullptr);
    reply.text["kind"] = kind;
    return reply;
  }
  for (int i = 1; i * step <= most + step / 2; ++i)
    for (const double amount : {i * step, -i * step}) {
      if (amount < 0 && !both_ways) continue;
      if (!tried(amount)) continue;
      reply.text["amount"] = amount;
      reply.text["kind"] = kind;
      return reply;
    }
  reply.text["amount"] = nullptr;
  reply.text["kind"] = kind;
  return reply;
}

}  // namespace explorer
