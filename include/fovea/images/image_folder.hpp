// SPDX-License-Identifier: MIT
//
// A data set from a directory of directories, one for each class. Link fovea::images.
//
//   const auto [data, classes, bad] = load_image_folder("flowers", {.height = 64, .width = 64});
//
//   flowers/daisy/1.jpg, flowers/daisy/2.PNG, flowers/rose/a.jpeg       labels 0, 0, 1
//
// Classes are the directories, files those named *.png, *.jpg or *.jpeg in any case; both are
// sorted by the bytes of their names, which is the same on every machine and in every locale.
// Links are followed, names that begin with a point are skipped as a shell's * does, directories
// inside of classes are not entered. A file that cannot be read is in `bad`, with the reason.
#pragma once

#include <filesystem>

#include "fovea/core/parallel.hpp"
#include "fovea/data/dataset.hpp"
#include "fovea/images/load_image.hpp"

namespace fovea::inline FOVEA_ABI {

/// A file that is no example, and why.
struct BadFile {
  std::string path{}, reason{};  ///< which file, and why it was not read
};

/// What load_image_folder returns.
struct ImageFolder {
  Dataset data{};                      ///< (N, C, height, width), scaled by scaling_of
  std::vector<std::string> classes{};  ///< the names of the directories, by label
  std::vector<BadFile> bad{};          ///< in the order in which they would have been examples
};

namespace detail {

// The names in a directory that do not begin with a point, sorted by their bytes.
[[gnu::cold]] inline std::vector<std::string> sorted_names(const std::string& directory,
                                                           std::string_view name) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::string found = entry->path().filename().native();
    if (!found.starts_with('.')) names.push_back(std::move(found));
  }
  check(!error, name, ": cannot be listed (", error.message(), ")");
  std::sort(names.begin(), names.end());
  return names;
}

// Whether the name ends as those of pictures do.
inline bool is_picture_name(std::string name) {
  for (char& c : name)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name.ends_with(".png") || name.ends_with(".jpg") || name.ends_with(".jpeg");
}

// What `read` says is wrong, without the name in front; empty if nothing is.
template <class Read>
std::string reason_of(std::string_view name, const Read& read) {
  try {
    read();
    return {};
  } catch (const Error& error) {
    const std::string_view all = error.what();
    return std::string(all.starts_with(concat(name, ": ")) ? all.substr(name.size() + 2) : all);
  } catch (const std::bad_alloc&) {
    return "does not fit into memory";
  }
}

// What a path leads to, as what_is_at() has it, or why that cannot be known.
[[gnu::cold]] inline std::string what_is_found_at(const std::string& path) {
  struct ::stat status;
  if (::stat(path.c_str(), &status) == 0) return std::string(kind_of(status.st_mode));
  const auto why = last_error();
  return why.value() == ENOENT ? "nothing" : concat("what cannot be opened (", why.message(), ")");
}

// A file that may be an example, or a directory or file that cannot be one.
struct FolderEntry {
  std::string path{};
  Index label = -1;      // -1: beside the directories of the classes
  std::string reason{};  // empty: it is one so far
};

// Adds the files of a class, or the one reason why there are none.
[[gnu::cold]] inline void add_class(const std::string& directory, Index label,
                                    std::vector<FolderEntry>& entries) {
  const std::string name = one_line(directory);
  const std::string reason = reason_of(name, [&] {
    bool any = false;
    for (const std::string& file : sorted_names(directory, name)) {
      if (!is_picture_name(file)) continue;
      entries.push_back({directory + "/" + file, label, {}});
      any = true;
    }
    check(any, name, ": expected a PNG or JPEG file, found none");
  });
  if (!reason.empty()) entries.push_back({directory, label, reason});
}

// The entries of all classes, whose names go to `classes`. A picture, or a link that leads nowhere,
// beside the directories of the classes is in a wrong place.
[[gnu::cold]] inline std::vector<FolderEntry> list_folder(const std::string& root,
                                                          std::vector<std::string>& classes) {
  std::vector<FolderEntry> entries;
  for (std::string& file : sorted_names(root, one_line(root))) {
    const std::string path = root + "/" + file;
    const std::string found = what_is_found_at(path);
    if (found == "a directory") {
      add_class(path, std::ssize(classes), entries);
      classes.push_back(std::move(file));
    } else if (is_picture_name(file) || found.starts_with("nothing") || found.starts_with("what")) {
      entries.push_back({path, -1, concat("expected the directory of a class, found ", found)});
    }
  }
  return entries;
}

// The entries that are no examples; after those of a class without an example its directory.
[[gnu::cold]] inline std::vector<BadFile> bad_of(const std::vector<FolderEntry>& entries,
                                                 const std::string& root,
                                                 const std::vector<std::string>& classes) {
  std::vector<BadFile> bad;
  std::vector<Index> good(classes.size()), left(classes.size());
  for (const auto& entry : entries)
    if (entry.label >= 0) ++left[static_cast<std::size_t>(entry.label)];
  for (const auto& entry : entries) {
    if (!entry.reason.empty()) bad.push_back({entry.path, entry.reason});
    if (entry.label < 0) continue;
    const auto k = static_cast<std::size_t>(entry.label);
    good[k] += entry.reason.empty();
    std::string directory = root + "/" + classes[k];
    if (--left[k] == 0 && good[k] == 0 && entry.path != directory)
      bad.push_back({std::move(directory), "expected a picture that can be read, found none"});
  }
  return bad;
}

// The examples among all entries.
[[gnu::cold]] inline Dataset without_bad(Dataset all, const std::vector<FolderEntry>& entries) {
  std::vector<Index> good;
  for (std::size_t n = 0; n < entries.size(); ++n)
    if (entries[n].reason.empty()) good.push_back(static_cast<Index>(n));
  return std::ssize(good) == all.size() ? std::move(all) : pick(all, good);
}

// Mean and deviation of each channel; 1 for the deviation of a channel that has one value alone.
[[gnu::cold]] inline Scaling usable_scaling_of(const Dataset& data) {
  const Scaling found = scaling_of(data);
  double std[PerChannel::most]{};
  for (Index c = 0; c < found.std.count(); ++c) std[c] = found.std[c] > 0 ? found.std[c] : 1;
  return {found.mean, PerChannel(std, found.std.count())};
}

}  // namespace detail

/// The pictures below `root`. Throws if it cannot be listed, has no directory or no picture that
/// can be read; with `.strict`, if anything is bad. A class without a picture that can be read
/// keeps its label, and its directory is in `bad`. Where files are bad, what was read is copied
/// once, so there is twice the memory of the images for a moment.
[[gnu::cold]] inline ImageFolder load_image_folder(const std::string& root,
                                                   const ImageOptions& options) {
  options.validate();
  const std::string name = one_line(root);
  check(options.height > 0, name, ": expected a height and a width of the images, got none");
  const std::string found = detail::what_is_found_at(root);
  check(found == "a directory", name, ": expected a directory of classes, found ", found);
  ImageFolder folder;
  auto entries = detail::list_folder(root, folder.classes);
  check(!folder.classes.empty(), name, ": expected a directory for each class, found none (",
        entries.size(), " pictures)");
  const Index C = options.channels, H = options.height, W = options.width, N = std::ssize(entries);
  const auto each = static_cast<std::uint64_t>(C * H * W);
  check(static_cast<std::uint64_t>(N) <= options.most_total_bytes / each, name,
        ": expected images of at most ", options.most_total_bytes, " bytes in all, found ", N,
        " of ", each, " bytes");
  folder.data = {name,
                 Tensor<std::uint8_t, 4>(Shape{N, C, H, W}),
                 Tensor<Label, 1>(Shape{N}),
                 std::ssize(folder.classes),
                 {}};
  parallel_for(resolve_threads(options.threads), N, [&](Index n, int) {
    auto& entry = entries[static_cast<std::size_t>(n)];
    folder.data.labels(n) = static_cast<Label>(entry.label);
    if (!entry.reason.empty()) return;
    const std::string file = one_line(entry.path);
    entry.reason = detail::reason_of(file, [&] {
      const auto image = detail::load_image(entry.path, file, options);
      std::copy(image.begin(), image.end(), folder.data.images[n].begin());
    });
  });
  folder.bad = detail::bad_of(entries, root, folder.classes);
  const auto first_bad = [&] {
    return concat(folder.bad.size(), " bad, the first ", one_line(folder.bad[0].path), ": ",
                  folder.bad[0].reason);
  };
  check(!options.strict || folder.bad.empty(), name,
        ": expected every picture to be read (.strict), found ",
        folder.bad.empty() ? "" : first_bad());
  folder.data = detail::without_bad(std::move(folder.data), entries);
  check(folder.data.size() > 0, name, ": expected a picture that can be read, found ",
        folder.bad.empty() ? "" : first_bad());
  folder.data.scaling = detail::usable_scaling_of(folder.data);
  return folder;
}

}  // namespace fovea::inline FOVEA_ABI
