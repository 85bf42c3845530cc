// SPDX-License-Identifier: MIT
//
// Session: all that the page can ask. A command is JSON, {"do": "train", "milliseconds": 40}, with
// bytes beside it where it sends an image or a file; the answer is a Reply. The page and the native
// program of the tests run the same Session, so they can be compared number by number.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "explorer/learner.hpp"
#include "explorer/reply.hpp"
#include "fovea/explain/receptive_field.hpp"

namespace explorer {

using Bytes = std::span<const std::uint8_t>;

/// One page: its digits, its network, its drawing.
class Session {
 public:
  Session();

  /// Carries out a command. Throws fovea::Error, one sentence, and what was there stays.
  Reply answer(const Json& command, Bytes bytes);

 private:
  using Image = fovea::Tensor<float, 4>;  // (1, 1, 28, 28), as the network sees it

  // session.cpp: training
  Reply open(const Json& command, Bytes bytes);
  Reply train(const Json& command);
  Reply status(const Json& command);
  Reply anatomy();
  Reply save();
  Reply load(const Json& command, Bytes bytes);
  void begin(std::unique_ptr<Digits> digits, const Json& layers, const Recipe& recipe);
  void take(std::unique_ptr<Learner> learner);

  // drawing.cpp: the drawing, and what is like it
  Reply draw(const Json& command, Bytes bytes);
  Reply example(const Json& command);
  Reply maps();
  Reply nearest();
  Image drawing() const;
  // The logits (1, K) of an image, good until the network runs again.
  fovea::View<const float, 2> logits_of(const Image& image);

  // looking.cpp: units, attribution, what a filter wants
  Reply unit(const Json& command);
  Reply attribution(const Json& command);
  Reply wants(const Json& command);
  Reply strongest(const Json& command);
  Reply prototypes();

  // breaking.cpp
  Reply spoil(const Json& command);
  Reply smallest(const Json& command);

  // apart.cpp: one convolution, and the network of chapter 9
  Reply convolve(const Json& command);
  Reply tiny(const Json& command);

  // own.cpp: own classes, and networks side by side
  Reply own_add(const Json& command, Bytes bytes);
  Reply own_remove(const Json& command);
  Reply own_train(const Json& command);
  Reply contest(const Json& command);
  Reply contest_train(const Json& command);

  Net& net() { return learner_->net(); }

  std::unique_ptr<Digits> digits_{};
  std::unique_ptr<Learner> learner_{};
  std::vector<fovea::ReceptiveField> fields_{};     // of the network, layer by layer
  std::optional<fovea::Workspace<Net>> looking_{};  // keeps all values of one image
  fovea::Tensor<std::uint8_t, 2> pixels_;           // the drawing, (28, 28)
  std::vector<std::string> class_names_{};
  std::vector<std::vector<fovea::Tensor<std::uint8_t, 2>>> own_{};  // drawings of each own class
  std::unique_ptr<Digits> contest_digits_{};
  std::vector<std::unique_ptr<Learner>> contest_{};
  std::vector<std::string> contest_names_{};
};

}  // namespace explorer
