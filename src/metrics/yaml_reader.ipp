// Typed reading of YAML nodes; what is wrong is thrown as a ConfigFault that names field and line, and caught
// at this folder's functions (guarded_yaml). For this folder's .cpp files only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/labels.hpp"

namespace telltale::metrics {

// yaml-cpp reports by exceptions; ours carries the error through its frames.
struct ConfigFault {
  std::string message;
};

/// ` (line 3)`, or nothing when the node is not from a text.
std::string line_of(const YAML::Node& n);
[[noreturn]] void bad_field(const YAML::Node& n, std::string_view field, const std::string& why);

std::string as_text(const YAML::Node& n, std::string_view field);
bool as_bool(const YAML::Node& n, std::string_view field);
/// Above zero.
Nanos as_duration(const YAML::Node& n, std::string_view field);
std::uint64_t as_count(const YAML::Node& n, std::string_view field);
/// `10MB`, `64KiB`, `1000`: Prometheus' sizes, powers of 1024 throughout.
std::size_t as_size(const YAML::Node& n, std::string_view field);
std::vector<std::string> as_texts(const YAML::Node& n, std::string_view field);
Labels as_labels(const YAML::Node& n, std::string_view field);
/// The node, which is a mapping; null is an empty one.
const YAML::Node& as_map(const YAML::Node& n, std::string_view field);
const YAML::Node& as_list(const YAML::Node& n, std::string_view field);

template <class Read>
auto guarded_yaml(std::string_view text, std::string_view where, Read read)
    -> Result<decltype(read(YAML::Node()))> {
  try {
    return read(YAML::Load(std::string(text)));
  } catch (const ConfigFault& fault) {
    return fail(ErrorKind::invalid_argument, std::string(where) + ": " + fault.message);
  } catch (const YAML::Exception& e) {
    return fail(ErrorKind::invalid_argument, std::string(where) + ": " + e.what());
  }
}

}  // namespace telltale::metrics
