#include "api/web/files.hpp"

#include <utility>

#include "api/embedded.hpp"

namespace telltale::api {

std::string_view content_type_of(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".webmanifest", "application/manifest+json"},
      {".txt", "text/plain; charset=utf-8"},
  };
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::optional<WebFile> WebFiles::find(std::string_view path, std::string_view coding) const {
  if (!dir_.empty()) return from_folder(path);
  const EmbeddedFile* file = find_embedded("web/" + std::string(path));
  if (file == nullptr) return std::nullopt;
  WebFile found{std::string(content_type_of(path)), std::string(file->etag), {}, {}};
  const std::string_view packed = coding == "br" ? file->brotli : coding == "gzip" ? file->gzip : "";
  if (!packed.empty()) found.coding = coding;
  found.body = packed.empty() ? file->plain : packed;
  return found;
}

std::optional<WebFile> WebFiles::from_folder(std::string_view path) const {
  // The HTTP server refuses `..`; a name with a hidden part is nobody's asset.
  if (path.empty() || path.find("/.") != std::string_view::npos || path.front() == '.') return std::nullopt;
  auto text = io::read_file(fs_, io::join_path(dir_, std::string(path)));
  if (!text) return std::nullopt;
  return WebFile{std::string(content_type_of(path)), {}, *std::move(text), {}};
}

}  // namespace telltale::api
