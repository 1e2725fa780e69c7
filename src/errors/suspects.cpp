#include "errors/suspects.hpp"

#include <algorithm>

#include "base/commit_limits.hpp"

namespace telltale::errors {
namespace {

constexpr std::string_view kFileSchemes[] = {"file://", "app:///", "webpack://", "~/"};

/// With slashes, without what stands for the place it was loaded from.
std::string path_words(std::string_view path) {
  for (const std::string_view scheme : kFileSchemes)
    if (path.starts_with(scheme)) path.remove_prefix(scheme.size());
  path = path.substr(0, path.find_first_of("?#"));
  std::string out(path);
  std::replace(out.begin(), out.end(), '\\', '/');
  while (out.starts_with("./")) out.erase(0, 2);
  return out;
}

bool ends_with_path(std::string_view whole, std::string_view end) {
  while (end.starts_with('/')) end.remove_prefix(1);
  if (end.empty() || !whole.ends_with(end)) return false;
  return whole.size() == end.size() || whole[whole.size() - end.size() - 1] == '/';
}

/// `com.shop.Cart` and `Cart.java` are `com/shop/Cart.java`; empty where there is no package.
std::string path_of_package(const GroupingFrame& frame) {
  const std::size_t last = frame.module.rfind('.');
  if (last == std::string::npos || frame.filename.find('/') != std::string::npos) return {};
  std::string out = frame.module.substr(0, last + 1);
  std::replace(out.begin(), out.end(), '.', '/');
  return out + frame.filename;
}

std::vector<const GroupingFrame*> frames_inside_out(const GroupingInput& event) {
  std::vector<const GroupingFrame*> all;
  for (auto e = event.exceptions.rbegin(); e != event.exceptions.rend(); ++e)
    for (auto f = e->frames.rbegin(); f != e->frames.rend(); ++f) all.push_back(&*f);
  for (const auto& thread : event.threads)
    for (auto f = thread.frames.rbegin(); f != thread.frames.rend(); ++f) all.push_back(&*f);
  const auto own = [](const GroupingFrame* f) { return f->in_app.value_or(false); };
  if (std::any_of(all.begin(), all.end(), own)) std::erase_if(all, [&](const auto* f) { return !own(f); });
  if (all.size() > limits::kMaxSuspectFrames) all.resize(limits::kMaxSuspectFrames);
  return all;
}

}  // namespace

bool is_file_of(const GroupingFrame& frame, std::string_view path) {
  const std::string whole = path_words(frame.abs_path);
  if (!whole.empty() && ends_with_path(whole, path)) return true;
  const std::string package = path_of_package(frame);
  if (!package.empty()) return ends_with_path(path, package);
  const std::string name = path_words(frame.filename);
  return !name.empty() && (ends_with_path(path, name) || ends_with_path(name, path));
}

std::vector<Suspect> suspect_commits(const GroupingInput& event,
                                     const std::vector<ReleaseCommits>& releases) {
  std::vector<Suspect> out;
  for (const GroupingFrame* frame : frames_inside_out(event)) {
    for (const auto& release : releases) {
      for (const auto& commit : release.commits) {
        const auto touched = std::find_if(commit.files.begin(), commit.files.end(),
                                          [&](const auto& file) { return is_file_of(*frame, file.path); });
        if (touched == commit.files.end()) continue;
        const bool known =
            std::any_of(out.begin(), out.end(), [&](const auto& s) { return s.commit.sha == commit.sha; });
        if (!known) out.push_back({release.release, commit, touched->path, *frame});
        if (out.size() == limits::kMaxSuspects) return out;
      }
    }
    if (!out.empty()) return out;
  }
  return out;
}

}  // namespace telltale::errors
