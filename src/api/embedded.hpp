// Files that are a part of the binary: the API's description and the built web UI. tools/embed.py makes the
// table while building.
#pragma once

#include <span>
#include <string_view>

namespace telltale::api {

/// Lives as long as the program.
struct EmbeddedFile {
  std::string_view name;  // `openapi.json`, `web/index.html`, `web/assets/…`
  std::string_view etag;  // of the content; without quotes
  std::string_view plain;
  std::string_view gzip;    // empty: not worth it
  std::string_view brotli;  // empty: not worth it
};

/// By no particular order; without the web UI when it had not been built.
std::span<const EmbeddedFile> embedded_files();

/// nullptr when there is no such file.
const EmbeddedFile* find_embedded(std::string_view name);

}  // namespace telltale::api
