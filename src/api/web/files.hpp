// The files of the web UI: from the binary, or from a folder that somebody is building them into.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/file_system.hpp"

namespace telltale::api {

struct WebFile {
  std::string content_type;
  std::string etag;  // without quotes; empty for files of a folder
  std::string body;
  std::string coding;  // of the body: `br`, `gzip` or empty
};

/// Thread-safe.
class WebFiles {
 public:
  /// `dir` empty: those of the binary.
  WebFiles(io::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  /// `path` without a slash in front: `index.html`, `assets/app-1a2b.js`. `coding` is what the client would
  /// like.
  std::optional<WebFile> find(std::string_view path, std::string_view coding) const;

 private:
  std::optional<WebFile> from_folder(std::string_view path) const;
  io::FileSystem& fs_;
  const std::string dir_;
};

/// By the ending of the name.
std::string_view content_type_of(std::string_view path);

}  // namespace telltale::api
