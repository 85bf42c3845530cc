// SPDX-License-Identifier: MIT
//
// Robustness against corruptions: every corrupted data set is made once and shown to all networks.
#include "fovea/explain/corruptions.hpp"
#include "fovea/viz/gallery.hpp"
#include "report/chapters/study.hpp"

using namespace fovea;

namespace {

// What is measured, and where the result goes.
struct Task {
  std::vector<Judged>* list;
  std::string name;
  double at;
  Corruption corruption;
};

Judged judge(const Study& s, const Task& task) {
  const Dataset worse =
      corrupt(s.sample, task.corruption, {.seed = s.options.seed, .threads = s.options.threads});
  Judged result{task.name, task.corruption.parameters, task.at, {}};
  for (std::size_t n = 0; n < s.networks.size(); ++n)
    result.accuracy[n] =
        evaluate(s.networks[n].net, worse, {.threads = s.options.threads}).accuracy();
  return result;
}

std::string spelled(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

}  // namespace

void measure_corruptions(Study& s) {
  namespace c = corruption;
  Robustness& r = s.robustness;
  std::vector<Task> tasks;
  tasks.push_back({&r.table, "clean", 0, c::translation(0, 0)});
  for (const double pixels : {2.0, 4.0})
    tasks.push_back({&r.table, concat("shifted by ", pixels), pixels, c::translate(pixels)});
  for (const double degrees : {15.0, 30.0, 45.0})
    tasks.push_back({&r.table, concat("rotated by ", degrees), degrees,
                     c::rotate(degrees * std::numbers::pi / 180)});
  tasks.push_back({&r.table, "noise", 0.3, c::gaussian_noise(0.3)});
  tasks.push_back({&r.table, "cutout", 8, c::cutout(8)});
  for (int degrees = -90; degrees <= 90; degrees += 15)
    tasks.push_back({&r.rotation, "rotation", static_cast<double>(degrees), c::rotation(degrees)});
  for (int tenth = 0; tenth <= 8; ++tenth)
    tasks.push_back({&r.noise, "noise", tenth / 10.0, c::gaussian_noise(tenth / 10.0)});
  for (Index side = 0; side <= 16; side += 2)
    tasks.push_back({&r.cutout, "cutout", static_cast<double>(side),
                     side > 0 ? c::cutout(side) : c::translation(0, 0)});
  for (int shift = -4; shift <= 4; shift += 2) r.shifts.push_back(shift);
  for (const double dy : r.shifts)
    for (const double dx : r.shifts)
      tasks.push_back({&r.shift, concat("shift ", dx, " ", dy), 0, c::translation(dx, dy)});
  for (const Corruption& corruption : c::mnist_c())
    tasks.push_back({&r.corruptions, spelled(corruption.name), 0, corruption});

  Progress progress("corruptions", static_cast<long>(tasks.size()), s.options.quiet);
  long done = 0;
  for (const Task& task : tasks) {
    stop_if_interrupted();
    task.list->push_back(judge(s, task));
    progress.update(++done);
  }
  r.table[0].parameters = "nothing changed";
  r.table.insert(r.table.end(), r.corruptions.begin(), r.corruptions.end());
}

void write_corrupted_images(Study& s) {
  const Dataset one = s.data.test.part(s.options.image, 1);
  const auto list = corruption::mnist_c();
  Tensor<float, 3> images(Shape{static_cast<Index>(list.size()), Index{28}, Index{28}});
  std::vector<std::string> captions;
  for (const Corruption& corruption : list) {
    const Dataset worse = corrupt(one, corruption, {.seed = s.options.seed});
    const auto to = images[static_cast<Index>(captions.size())];
    std::transform(worse.images.begin(), worse.images.end(), to.begin(),
                   [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
    captions.push_back(spelled(corruption.name));
  }
  s.page.picture("corrupted_images",
                 gallery(images, {.title = "One image, fifteen times a little worse",
                                  .zoom = 6,
                                  .columns = 5,
                                  .captions = captions}),
                 {.what = concat("Test image ", s.options.image,
                                 " under the fifteen MNIST-C-style corruptions."),
                  .read = "A human reads nearly all of them; the chart below says what the "
                          "networks make of such images.",
                  .scale = "From 0, black, to 1, pale yellow.",
                  .alt = concat("Fifteen versions of a hand-written ", s.label,
                                ", noisy, blurred, turned, fogged, crossed out.")});
}
