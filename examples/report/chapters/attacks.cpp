// SPDX-License-Identifier: MIT
//
// Robustness against attacks, FGSM and PGD, and examples of what they do.
#include "fovea/explain/attacks.hpp"

#include "report/chapters/study.hpp"

using namespace fovea;

namespace {

// The images of `data` after an attack on `net`, in network units.
Tensor<float, 4> attacked(const Net& net, const Dataset& data, const AttackOptions& options) {
  auto all = batches(data, data.size(), {.shuffle = false});
  const auto [images, labels] = all[0];
  Attack<Net> attack{net, data.size(), data.scaling, options};
  return Tensor<float, 4>(attack(net, images, labels));
}

}  // namespace

void measure_attacks(Study& s) {
  Robustness& r = s.robustness;
  const std::vector<double> one_step{0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3};
  const std::vector<double> forty_steps{0, 0.05, 0.1, 0.2, 0.3};  // these take their time
  Progress progress("attacks",
                    static_cast<long>((one_step.size() + forty_steps.size()) * s.networks.size()),
                    s.options.quiet);
  long done = 0;
  for (auto* const list : {&r.fgsm, &r.pgd})
    for (const double epsilon : list == &r.fgsm ? one_step : forty_steps) {
      AttackOptions o = list == &r.fgsm ? fgsm(epsilon) : pgd(epsilon);
      o.seed = s.options.seed, o.threads = s.options.threads;
      Judged result{list == &r.fgsm ? "FGSM" : "PGD", concat("epsilon ", epsilon), epsilon, {}};
      for (std::size_t n = 0; n < s.networks.size(); ++n) {
        stop_if_interrupted();
        const Net& net = s.networks[n].net;
        if (epsilon == 0) {
          result.accuracy[n] = r.table.front().accuracy[n];  // nothing is changed
        } else {
          result.accuracy[n] = under_attack(net, s.sample, o).accuracy();
        }
        progress.update(++done);
      }
      list->push_back(result);
      const bool in_table = std::abs(epsilon - 0.1) < 1e-9 || std::abs(epsilon - 0.2) < 1e-9 ||
                            std::abs(epsilon - 0.3) < 1e-9;
      if (in_table) r.table.push_back(result);
    }
}

void write_examples(Study& s) {
  constexpr double epsilon = 0.2;
  constexpr Index most = 6, zoom = 4, side = 28 * zoom, margin = 24, gap = 16, words = 330;
  const Dataset some = s.sample.part(0, std::min<Index>(s.sample.size(), 64));
  AttackOptions o = pgd(epsilon);
  o.threads = s.options.threads;
  auto all = batches(some, some.size(), {.shuffle = false});
  const Tensor<float, 4> clean(all[0].images);
  const auto worse = attacked(s.net(), some, o);
  const auto z_clean = s.net().predict(clean, o.threads);
  std::array<Tensor<float, 2>, 3> p;
  for (std::size_t n = 0; n < 3; ++n) p[n] = softmax(s.networks[n].net.predict(worse, o.threads));
  // Different digits that the first network reads rightly, and not after the attack.
  std::vector<Index> chosen;
  std::vector<bool> seen(static_cast<std::size_t>(some.classes));
  for (Index i = 0; i < some.size() && static_cast<Index>(chosen.size()) < most; ++i) {
    const Label label = some.labels(i);
    if (argmax(z_clean[i]) != label || argmax(p[0][i]) == label ||
        seen[static_cast<std::size_t>(label)])
      continue;
    seen[static_cast<std::size_t>(label)] = true, chosen.push_back(i);
  }
  s.page.subsection("What an attack looks like");
  if (chosen.empty()) {
    s.page.paragraph(concat("None of the first ", some.size(),
                            " test images could be attacked with PGD and epsilon ", epsilon, "."));
    return;
  }
  const auto rows = static_cast<Index>(chosen.size());
  Image picture(2 * margin + 36 + 28 + rows * (side + gap), 2 * margin + 3 * (side + gap) + words);
  picture.text(margin, margin, concat("PGD on the ", s.name(), " network, epsilon ", epsilon));
  const char* heads[] = {"image", "change", "result", "what they say"};
  for (Index c = 0; c < 4; ++c) picture.text(margin + 36, margin + c * (side + gap), heads[c]);
  const Scaling& scaling = some.scaling;
  const auto pixel = [&](float x) {
    return static_cast<float>(scaling.to_pixel(static_cast<double>(x)));
  };
  for (Index row = 0; row < rows; ++row) {
    const Index i = chosen[static_cast<std::size_t>(row)], top = margin + 64 + row * (side + gap);
    const auto from = map(clean[i][0], pixel), to = map(worse[i][0], pixel), change = to - from;
    const auto left = [&](Index c) { return margin + c * (side + gap); };
    picture.map(top, left(0), as_const(from), zoom, grey);
    picture.map(top, left(1), as_const(change), zoom,
                [&](double v) { return diverging(v / epsilon); });
    picture.map(top, left(2), as_const(to), zoom, grey);
    picture.outline(top - 1, left(1) - 1, side + 2, side + 2, frame);
    picture.text(top, left(3), concat("a ", some.labels(i)));
    for (std::size_t n = 0; n < 3; ++n) {
      const Index said = argmax(p[n][i]);
      picture.text(top + 26 * static_cast<Index>(n + 1), left(3),
                   concat(s.networks[n].name, ": ", said, ", ",
                          fixed(100 * static_cast<double>(p[n](i, said)), 0), " %"),
                   2, said == some.labels(i) ? Color{0, 110, 80} : Color{170, 60, 0});
    }
  }
  s.page.picture(
      "attack_examples", picture,
      {.what =
           concat("Test images before and after PGD on the ", s.name(), " network with epsilon ",
                  epsilon, ", and what the three networks say of the result."),
       .read = concat(
           "The middle picture is added to the left one and gives the right one. A right answer is "
           "written in green, a wrong one in red-brown. The other networks see images made against "
           "the ",
           s.name(), " one: being right here is easier than under an attack of their own."),
       .scale = concat("Images from 0, black, to 1, white; the change from -", epsilon,
                       ", blue, over 0, white, to ", epsilon, ", red."),
       .alt = concat(rows,
                     " digits, each with a red and blue pattern, the digit with the pattern on it, "
                     "and three answers.")});
}
