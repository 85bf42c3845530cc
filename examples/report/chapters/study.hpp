// SPDX-License-Identifier: MIT
//
// What the chapters of the page share: three networks of one kind, the data, one image, the page.
#pragma once

#include <array>
#include <variant>

#include "fovea/io/model_file.hpp"
#include "report/page.hpp"
#include "support/course_cnn.hpp"
#include "support/options.hpp"
#include "support/training.hpp"

using Net = decltype(course_cnn<float>(std::declval<fovea::Rng&>()));

/// A training of this run.
struct Here {
  Recipe recipe;
  std::string change;  // what is done to the training images, in words
  Training training;
};

/// A file with the weights of a network that was trained elsewhere.
struct Elsewhere {
  std::string file;  // its name, without the directory
  fovea::LoadReport report;

  /// In words: how far it proves itself, and how its input is scaled.
  std::string says(const fovea::Dataset& data) const;
};

/// A network and how it came to be.
struct Trained {
  std::string name;  // in sentences and legends: plain or loaded, augmented, adversarial
  Net net;
  std::variant<Here, Elsewhere> origin;
  fovea::Accuracy accuracy;  // on all test images
};

/// The right answers of the three networks under one condition.
struct Judged {
  std::string name, parameters;
  double at = 0;  // the parameter that a curve is drawn against
  std::array<fovea::Accuracy, 3> accuracy = {};
};

struct Robustness {
  std::vector<Judged> rotation, noise, cutout, corruptions, fgsm, pgd;
  std::vector<Judged> shift;   // every dy, and for each every dx
  std::vector<double> shifts;  // the values of both
  std::vector<Judged> table;   // of docs/results.md
};

struct Study {
  ExplainOptions options;
  fovea::TrainAndTest data;
  fovea::Dataset sample;  // the test images that curves are measured on
  Net untrained;          // the start of all that are trained here
  std::vector<Trained> networks;
  fovea::Tensor<float, 4> image;   // (1, 1, H, W), in network units
  fovea::Tensor<float, 2> pixels;  // (H, W), in [0, 1]
  fovea::Label label;              // of the image
  fovea::Index target;             // the class to explain
  Page page;
  Robustness robustness = {};

  /// The network that the page looks into.
  const Net& net() const { return networks.front().net; }
  const std::string& name() const { return networks.front().name; }
  /// Where it was trained, if not here.
  const Elsewhere* elsewhere() const { return std::get_if<Elsewhere>(&networks.front().origin); }
  /// Clearly better: the intervals do not touch.
  static bool better(const fovea::Accuracy& a, const fovea::Accuracy& b) {
    return a.interval().low > b.interval().high;
  }
};

/// The network in the file of --weights, of the shape of `fresh`; its accuracy is not measured yet.
Trained load_elsewhere(const ExplainOptions& options, const Net& fresh);

// In the order of the page.
void write_problem(Study& study);
void write_elsewhere(Study& study);
void write_filters(Study& study);
void write_fields(Study& study);
void write_hierarchy(Study& study);
void write_findings(Study& study);
void write_attribution(Study& study);
void write_prototypes(Study& study);
void write_mistakes(Study& study);
void measure_corruptions(Study& study);
void measure_attacks(Study& study);
void write_robustness(Study& study);
void write_corrupted_images(Study& study);
void write_examples(Study& study);
void write_table(Study& study);
