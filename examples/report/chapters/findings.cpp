// SPDX-License-Identifier: MIT
//
// Key findings: sentences made of the numbers of this run.
#include "report/chapters/study.hpp"

using namespace fovea;

namespace {

const Judged& at(const std::vector<Judged>& list, double parameter) {
  return *std::min_element(list.begin(), list.end(), [&](const Judged& a, const Judged& b) {
    return std::abs(a.at - parameter) < std::abs(b.at - parameter);
  });
}

// "plain 10.0 %, augmented 20.0 %, adversarial 90.0 %"
std::string all_three(const Study& s, const Judged& j) {
  std::string text;
  for (std::size_t n = 0; n < 3; ++n)
    text += concat(n ? ", " : "", s.networks[n].name, " ", fixed(j.accuracy[n].percent(), 1), " %");
  return text;
}

// How the augmented or adversarial network does beside a loaded one: what made the difference is not
// known, so no more is said.
std::string beside_loaded(const Accuracy& here, const Accuracy& loaded) {
  return Study::better(here, loaded)   ? "clearly better than the loaded one."
         : Study::better(loaded, here) ? "clearly worse than the loaded one."
                                       : "not clearly better or worse than the loaded one.";
}

}  // namespace

void write_findings(Study& s) {
  Page& page = s.page;
  const auto& json = page.numbers;
  const Robustness& r = s.robustness;
  page.section("Key findings");
  const Accuracy plain = s.networks[0].accuracy;
  page.finding(
      concat("The network reads ", fixed(plain.percent(), 2), " % of ",
             s.elsewhere() ? "the test" : "unseen", " images."),
      concat(
          "95 % interval ", with_interval(plain, 2), " from ", detail::grouped(plain.total),
          " test images: ", detail::grouped(plain.total - plain.correct), " are wrong.",
          s.elsewhere() ? " Whether it saw them in its training cannot be told from here." : ""));
  const auto& f = json.at("filters");
  page.finding(
      f.at("more_than_chance").get<bool>()
          ? "Some filters of conv1 are edges and lines; most look like what chance gives too."
          : "The filters of conv1 look like edges no more often than chance does.",
      concat("Of 32 filters ", f.at("trained").at("above_chance_95").get<Index>(),
             " fit a textbook template better than 95 % of random kernels do (chance: "
             "1.6); the untrained "
             "network has ",
             f.at("untrained").at("above_chance_95").get<Index>(), "."));
  const auto& fields = json.at("receptive_fields");
  const auto& e = json.at("effective_fields").at("conv2").at("trained");
  page.finding(concat("A unit of conv2 can see ", fields.at("conv2").at("size").get<Index>(), " x ",
                      fields.at("conv2").at("size").get<Index>(), " pixels, not 5 x 5."),
               concat("The formula without pooling says ",
                      fields.at("conv2").at("without_pooling").get<Index>(),
                      "; pooling doubles the jump, and the patch grows from ",
                      fields.at("conv1").at("size").get<Index>(), " over ",
                      fields.at("pool1").at("size").get<Index>(), " to ",
                      fields.at("conv2").at("size").get<Index>(),
                      " pixels a side. How much a pixel matters to one unit is a bell with a "
                      "standard deviation of ",
                      fixed(e.at("sigma").get<double>(), 2),
                      " pixels; equal use of the whole patch would have ",
                      fixed(e.at("sigma_if_equal").get<double>(), 2), "."));
  const auto& p = json.at("patches");
  const auto within = p.at("correlation_within_channel").get<double>(),
             across = p.at("correlation_across_channels").get<double>();
  page.finding(
      within > across + 0.1 ? "From conv1 to conv2 the patterns become more particular."
                            : "The channels of conv2 have no simple names.",
      concat("The nine patches that excite a channel of conv2 most resemble each other (mean "
             "correlation ",
             fixed(within, 2), ", between channels ", fixed(across, 2), "), and ",
             percent(json.at("activity").at("relu2").at("zero").get<double>()),
             " of its units are silent for an image, against ",
             percent(json.at("activity").at("relu1").at("zero").get<double>()), " in conv1."));

  const Judged& turned = at(r.rotation, 45);
  const bool helped = Study::better(turned.accuracy[1], turned.accuracy[0]);
  page.finding(s.elsewhere() ? concat("Turned by 45 degrees, the augmented network is ",
                                      beside_loaded(turned.accuracy[1], turned.accuracy[0]))
               : helped      ? "Augmentation repairs rotation, up to a point."
                             : "Augmentation did not repair rotation here.",
               concat("Turned by 45 degrees: ", all_three(s, turned),
                      ". Turned by 90 degrees: ", all_three(s, at(r.rotation, 90)),
                      helped && at(r.rotation, 90).accuracy[1].percent() < 50
                          ? "; what was not in the training is not learned either."
                          : "."));
  const Judged &weak = at(r.fgsm, 0.3), &strong = at(r.pgd, 0.3), &light = at(r.pgd, 0.1);
  const bool hardened = Study::better(strong.accuracy[2], strong.accuracy[0]),
             augmented_too = Study::better(strong.accuracy[1], strong.accuracy[0]) ||
                             Study::better(light.accuracy[1], light.accuracy[0]);
  page.finding(
      s.elsewhere() ? concat("Under PGD with epsilon 0.3 the adversarial network is ",
                             beside_loaded(strong.accuracy[2], strong.accuracy[0]))
      : hardened    ? (augmented_too ? "Against attacks, only training against attacks holds."
                                     : "Only training against attacks helps against attacks.")
                    : "Training against attacks did not help in this run.",
      concat("PGD with epsilon 0.1: ", all_three(s, light), ". With 0.3: ", all_three(s, strong),
             ". One step of FGSM with 0.3: ", all_three(s, weak), "."));
  const Accuracy hard = s.networks[2].accuracy;
  page.finding(
      s.elsewhere() ? "On unchanged images the adversarial network is " + beside_loaded(hard, plain)
      : Study::better(plain, hard) ? "Robustness has a price."
                                   : "Robustness cost no measurable accuracy here.",
      concat("On unchanged images the adversarial network has ", with_interval(hard, 2), ", the ",
             s.name(), " one ", with_interval(plain, 2),
             Study::better(plain, hard) || Study::better(hard, plain)
                 ? (s.elsewhere() ? ": the difference is more than chance."
                                  : ": the difference is more than chance. It is one of the "
                                    "whole recipe, not of the images alone.")
                 : ": the difference is within what chance gives."));
}
